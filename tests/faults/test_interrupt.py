"""Ctrl-C, SIGTERM and SIGHUP at awkward moments of real commands: none is lost, and nothing of theirs stays behind."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis

from producer import Client
from tasks.launch import slotline_command
from tests.fixtures.environment import UseCatalog
from tests.fixtures.processes import LeftOver, Process, StartProcess
from tests.fixtures.waiting import WaitUntil
from workers.stack.embedded_redis import EmbeddedRedis

Command = Callable[..., Process]

CATALOG = """
[models.slow]
adapter = "rehearsal"
seconds = 1.0

[models.stuck]
adapter = "rehearsal"
load_seconds = 3600.0
load_limit_s = 7200
"""
MANY = "\n\n".join(f"Paragraph number {number} of many." for number in range(40))

IN_THE_GARBAGE_COLLECTOR = """
import gc, os, signal

def strike(phase, about):
    if os.path.exists(os.environ["STRIKE"]):
        os.unlink(os.environ["STRIKE"])
        os.kill(os.getpid(), signal.SIGINT)

gc.callbacks.append(strike)
gc.set_threshold(20)
"""
"""A `sitecustomize` that sends the signal in a callback of Python, which only prints what is raised in it."""

AT_THE_FIRST_IMPORT_OF = """
import os, signal, sys

class Strike:
    def find_spec(self, name, path=None, target=None):
        if name == os.environ["STRIKE"]:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Strike())
"""


@pytest.fixture
def command(
    broker: str, use_catalog: UseCatalog, start_process: StartProcess, left_over: LeftOver, tmp_path: Path
) -> Command:
    """Starts `slotline` with these arguments in the test's folder; `customized` is run before it."""
    use_catalog(CATALOG)
    (tmp_path / "long.txt").write_text(MANY)

    def start(*arguments: str, customized: str = "", env: dict[str, str] | None = None, **kwargs: Any) -> Process:
        folder = tmp_path / "customized"
        folder.mkdir(exist_ok=True)
        (folder / "sitecustomize.py").write_text(customized)
        path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PYTHONPATH", path)
            words = slotline_command(*arguments)
            return start_process(*words, name=arguments[0], env=env, **{"cwd": tmp_path, **kwargs})

    return start


def test_ctrl_c_in_a_callback_ends_a_reading(command: Command, tmp_path: Path) -> None:
    strike = tmp_path / "strike"
    reading = command(
        "read", "long.txt", "--model", "slow", customized=IN_THE_GARBAGE_COLLECTOR, env={"STRIKE": str(strike)}
    )
    job_id = reading.wait_for_log(r"sent as (\S+)", 60)[1]
    strike.touch()
    assert reading.wait(30) == 130
    assert reading.log().splitlines()[-1].endswith(f"slotline watch {job_id}")
    assert "ignored" not in reading.log()


@pytest.mark.parametrize("module", ["click", "producer.commands.read", "redis.client"])
def test_ctrl_c_in_an_import_ends_a_command_without_a_traceback(command: Command, module: str) -> None:
    reading = command("read", "long.txt", "--model", "slow", customized=AT_THE_FIRST_IMPORT_OF, env={"STRIKE": module})
    assert reading.wait(30) == 130
    assert "Traceback" not in reading.log()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_command_whose_redis_hangs_ends_with_the_first_signal(
    command: Command, tmp_path: Path, number: signal.Signals
) -> None:
    with EmbeddedRedis(tmp_path / "own") as server:
        job_id = Client(server.url).submit_chapter("One.", model="slow").id
        watching = command("watch", job_id, env={"CELERY_BROKER_URL": server.url})
        watching.wait_for_log("PENDING")
        assert server.pid is not None
        os.kill(server.pid, signal.SIGSTOP)
        try:
            with redis.Redis.from_url(server.url, socket_timeout=0.2) as client, pytest.raises(redis.TimeoutError):
                client.ping()
            watching.signal(number)
            assert watching.wait(10) == 128 + number
        finally:
            os.kill(server.pid, signal.SIGCONT)
    assert watching.log().splitlines()[-1] == f"slotline: detached; follow it: slotline watch {job_id}"


def test_sigterm_stops_a_reading_and_its_stack_in_order(
    command: Command, left_over: LeftOver, wait_until: WaitUntil
) -> None:
    reading = command("read", "--local", "long.txt", "--model", "stuck", "-o", "out")
    wait_until(lambda: sum("--model stuck" in line for line in left_over()) >= 2, 60, "the workers of the stack")
    reading.signal(signal.SIGTERM)
    assert reading.wait(45) == 143
    assert reading.log().splitlines()[-2:] == [
        "slotline: stopping Redis and the workers; Ctrl-C again ends them at once",
        "slotline: stopped; the same command goes on where it was",
    ]
    assert left_over() == []


def test_the_second_ctrl_c_ends_a_command_and_its_stack_at_once(
    command: Command, left_over: LeftOver, wait_until: WaitUntil
) -> None:
    reading = command("read", "--local", "long.txt", "--model", "stuck", "-o", "out")
    wait_until(lambda: sum("--model stuck" in line for line in left_over()) >= 2, 60, "the workers of the stack")
    reading.signal(signal.SIGINT)
    reading.signal(signal.SIGINT)
    assert reading.wait(10) == 130
    wait_until(lambda: not left_over(), 20, "the end of all its processes")
