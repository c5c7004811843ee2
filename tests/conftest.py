"""What tests share: the fixtures of `tests/fixtures`, one file a subject, registered here as plugins."""

from __future__ import annotations

import pytest

pytest_plugins = [
    "tests.fixtures.tiers",
    "tests.fixtures.waiting",
    "tests.fixtures.environment",
    "tests.fixtures.redis_server",
    "tests.fixtures.processes",
    "tests.fixtures.workers",
    "tests.fixtures.commands",
    "tests.fixtures.models",
]
for _plugin in pytest_plugins:
    pytest.register_assert_rewrite(_plugin)

# ruff: noqa: E402
from tests.fixtures.environment import LEASE_S, UseCatalog
from tests.fixtures.processes import ROOT, LeftOver, Process, StartProcess
from tests.fixtures.waiting import LIMIT_S, WaitUntil
from tests.fixtures.workers import StartPair, StartWorker

__all__ = [
    "LEASE_S",
    "LIMIT_S",
    "ROOT",
    "LeftOver",
    "Process",
    "StartPair",
    "StartProcess",
    "StartWorker",
    "UseCatalog",
    "WaitUntil",
]
