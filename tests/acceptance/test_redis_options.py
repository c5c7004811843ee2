"""`SLOTLINE_REDIS_OPTIONS` reaches whoever connects; what is wrong in it is refused in one line, before that."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path

import pytest
import redis

from producer import Client
from tasks.catalog import catalog
from tasks.launch import slotline_command
from tasks.settings import settings
from tests.fixtures.commands import Slotline
from tests.fixtures.processes import ROOT, StartProcess
from workers.stack.embedded_redis import EmbeddedRedis

PASSWORD = "p@ss&word"
WRONG = "socket_timeuot=3"
REFUSED = "slotline: SLOTLINE_REDIS_OPTIONS: 'socket_timeuot' is no option; there are socket_timeout, "
COMMANDS = [
    "jobs", "watch x", "cancel x", "failed", "retry x", "prune", "health", "slots", "model status", "up",
    "say hello -o x.wav", "read README.md", "read README.md --local", "summarize README.md",
]  # fmt: skip


def test_every_command_names_the_wrong_option(slotline: Slotline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLOTLINE_REDIS_OPTIONS", WRONG)
    monkeypatch.chdir(ROOT)
    for command in COMMANDS:
        settings.cache_clear()
        said = slotline(*command.split())
        assert (said.status, said.err.startswith(REFUSED), said.err.count("\n")) == (2, True, 1), (command, said)


@pytest.mark.worker
@pytest.mark.parametrize("command", ["worker -Q flow", "flower"])
def test_everything_of_celerys_command_names_it_too(
    command: str, own_environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLOTLINE_REDIS_OPTIONS", WRONG)
    full = [sys.executable, "-m", "celery", "-A", "workers", *command.split()]
    done = subprocess.run(full, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr.startswith(REFUSED), done.stderr.count("\n")) == (2, True, 1), done


class LockedRedis(EmbeddedRedis):
    """One that asks for a password."""

    def _arguments(self) -> list[str]:
        return [*super()._arguments(), "--requirepass", PASSWORD]

    def stop(self) -> None:
        """It would not do what it is asked without its password."""
        self.kill()

    def _answers(self) -> bool:
        with contextlib.suppress(redis.RedisError), redis.Redis(port=self.port, password=PASSWORD) as client:
            return bool(client.ping())
        return False


@pytest.mark.worker
def test_a_password_that_no_url_has_reaches_workers_commands_and_questions(
    own_environment: None,
    slotline: Slotline,
    start_process: StartProcess,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "models.toml").write_text('[models.quick]\nadapter = "rehearsal"\nseconds = 0.5\n')
    with LockedRedis(tmp_path / "redis") as server:
        monkeypatch.setenv("CELERY_BROKER_URL", server.url)
        monkeypatch.setenv("CELERY_RESULT_BACKEND", server.url)
        monkeypatch.setenv("SLOTLINE_REDIS_OPTIONS", "password=p%40ss%26word")
        monkeypatch.setenv("SLOTLINE_MODELS", str(tmp_path / "models.toml"))
        settings.cache_clear()
        catalog.cache_clear()
        celery = (sys.executable, "-m", "celery", "-A", "workers")
        for options, is_ready in ((("-Q", "flow"), r" ready\."), (("--model", "quick"), "ready: quick")):
            start_process(*celery, "worker", *options, name=options[1]).wait_for_log(is_ready)
        assert slotline("say", "A sentence.", "--model", "quick", "-o", tmp_path / "out.wav").status == 0
        assert slotline("health").status == 0
        asked = start_process(*celery, "inspect", "ping", name="ping")
        asked.wait_for_log("2 nodes online")
        job = Client().submit_chapter("One.\n\nTwo.\n\nThree.", model="quick")
        assert slotline("cancel", job.id).status == 0


@pytest.mark.worker
def test_a_stack_is_found_with_the_password_that_it_was_given_as_an_option(
    own_environment: None, start_process: StartProcess, tmp_path: Path
) -> None:
    (tmp_path / "models.toml").write_text('[models.quick]\nadapter = "rehearsal"\n')
    with LockedRedis(tmp_path / "redis") as server:
        given = {
            "CELERY_BROKER_URL": server.url,
            "SLOTLINE_REDIS_OPTIONS": "password=p%40ss%26word",
            "SLOTLINE_MODELS": str(tmp_path / "models.toml"),
        }
        stack = start_process(*slotline_command("up", "--model", "quick"), env=given, name="up")
        stack.wait_for_log("and SLOTLINE_REDIS_OPTIONS as it is here")
        assert "p%40ss" not in stack.log()
        asked = start_process(*slotline_command("health"), name="health")
        asked.wait_for_log(r"healthy +quick-cpu-0@")
