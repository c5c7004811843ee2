"""What tests share: the fixtures of `tests/fixtures`, one file a subject, registered here as plugins."""

from __future__ import annotations

pytest_plugins = [
    "tests.fixtures.tiers",
    "tests.fixtures.waiting",
    "tests.fixtures.environment",
    "tests.fixtures.ports",
    "tests.fixtures.redis_server",
    "tests.fixtures.redis_users",
    "tests.fixtures.processes",
    "tests.fixtures.workers",
    "tests.fixtures.commands",
    "tests.fixtures.models",
    "tests.fixtures.pull.servers",
    "tests.fixtures.hearing",
    "tests.fixtures.pages.environment",
]
