"""`slotline up`: the whole stack as real processes, and nothing left of it, however it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from producer import Client
from tasks.catalog import catalog
from tasks.launch import environment, slotline_command
from tasks.settings import settings
from tasks.stacks.running import running
from tests.fixtures.processes import LeftOver, Process, StartProcess
from tests.fixtures.waiting import GIVE_UP_S, WaitUntil

Up = Callable[..., Process]


@pytest.fixture
def up(own_environment: None, catalog_file: Path, start_process: StartProcess, left_over: LeftOver) -> Up:
    """Starts `slotline up` with these arguments."""

    def start(*arguments: str, **kwargs: Any) -> Process:
        return start_process(*slotline_command("up", *arguments), name="up", **kwargs)

    return start


def broker_url(stack: Process) -> str:
    return stack.wait_for_log(r"export CELERY_BROKER_URL=(\S+)", 60)[1]


def speak(stack: Process, text: str = "Hello there.", model: str = "quick") -> float:
    """The length of a chapter that the stack spoke, in seconds."""
    return Client(broker_url(stack)).submit_chapter(text, model=model).wait(GIVE_UP_S).duration_s


def pid_of(url: str, worker: str) -> int:
    """The main process of the worker that holds a slot, by its name's beginning."""
    with redis.Redis.from_url(url, decode_responses=True) as client:
        held = [json.loads(client.get(key) or "{}") for key in client.scan_iter("slotline:slot:*")]
    return next((int(one["pid"]) for one in held if one.get("worker", "").startswith(worker)), 0)


def test_a_stack_speaks_and_leaves_nothing_when_it_is_stopped(up: Up, left_over: LeftOver, tmp_path: Path) -> None:
    stack = up("--model", "quick=2")
    assert speak(stack) > 0
    assert len(re.findall(r"quick-cpu-[01]@", stack.log())) == 2
    assert stack.stop(40) == 0
    assert left_over() == []
    assert (tmp_path / "data" / "slotline" / "logs" / "quick-1.log").is_file()


def test_a_second_stack_on_the_same_data_is_refused_and_told_of_the_first(up: Up) -> None:
    first = up("--model", "quick")
    url = broker_url(first)
    second = up("--model", "quick")
    assert second.wait(30) == 1
    assert re.search(rf"another stack \(pid \d+\) runs .*export CELERY_BROKER_URL={re.escape(url)}", second.log())


def test_a_stack_started_again_keeps_its_port_and_what_redis_held(up: Up) -> None:
    first = up("--model", "quick")
    url = broker_url(first)
    job = Client(url).submit_chapter("Hello.", model="quick")
    job.wait(60)
    first.stop(40)
    second = up("--model", "quick")
    assert broker_url(second) == url
    assert job.status() == "SUCCESS"


def test_a_worker_that_dies_is_started_again_in_its_slot(up: Up, wait_until: WaitUntil) -> None:
    stack = up("--model", "quick")
    url = broker_url(stack)
    before = pid_of(url, "quick-cpu-0")
    os.kill(before, signal.SIGKILL)
    stack.wait_for_log(r"quick worker 1 ended \(SIGKILL\); it starts again in 1 s", 20)
    wait_until(lambda: pid_of(url, "quick-cpu-0") not in (0, before), 30, "another worker in the slot")
    assert speak(stack) > 0


def test_an_embedded_redis_that_dies_comes_back_with_its_data(up: Up, tmp_path: Path) -> None:
    stack = up("--model", "quick")
    url = broker_url(stack)
    job = Client(url).submit_chapter("Hello.", model="quick")
    job.wait(60)
    with redis.Redis.from_url(url) as client:
        pid = int(client.info("server")["process_id"])
    os.kill(pid, signal.SIGKILL)
    stack.wait_for_log("the embedded Redis had ended; it runs again", 20)
    assert Client(url).submit_chapter("Something else.", model="quick").wait(GIVE_UP_S).duration_s > 0
    assert job.status() == "SUCCESS"


def test_a_model_that_cannot_load_ends_the_stack_with_its_own_error(up: Up, left_over: LeftOver) -> None:
    stack = up("--model", "broken", env={"SLOTLINE_LOAD_ATTEMPTS": "1"})
    assert stack.wait(60) == 1
    hint = "slotline: running batches have "  # on a slow machine the other workers take longer than a moment to end
    lines = [line for line in stack.log().splitlines() if line.startswith("slotline: ") and hint not in line]
    [line] = lines
    assert "broken worker 1 did not start" in line
    assert "fail_load is set" in line
    assert left_over() == []


def test_an_unknown_model_is_refused_before_anything_starts(up: Up, tmp_path: Path) -> None:
    stack = up("--model", "qick")
    assert stack.wait(30) == 2
    assert "did you mean 'quick'" in stack.log()
    assert not (tmp_path / "data").exists()


def test_a_data_folder_that_cannot_be_written_is_named(up: Up, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    stack = up("--model", "quick", "--data", str(tmp_path / "file" / "data"))
    assert stack.wait(30) == 2
    assert f"--data: {tmp_path / 'file' / 'data'}" in stack.log()


def test_a_store_that_cannot_be_written_is_named_by_the_worker_that_found_out(up: Up, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    stack = up("--model", "quick", env={"SLOTLINE_STORE_URL": str(tmp_path / "file" / "store")})
    assert stack.wait(60) == 1
    assert re.search(r"did not start .*cannot be written .SLOTLINE_STORE_URL", stack.log())


def test_a_broker_that_answers_is_used_instead_of_an_embedded_one(up: Up, broker: str, tmp_path: Path) -> None:
    stack = up("--model", "quick", env={"CELERY_BROKER_URL": broker})
    assert broker_url(stack) == broker
    assert speak(stack) > 0
    assert not (tmp_path / "data" / "slotline" / "redis").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("moment", ["begun", "redis", "slotline is up"])
def test_a_signal_at_any_moment_leaves_no_process(
    up: Up, left_over: LeftOver, wait_until: WaitUntil, tmp_path: Path, moment: str, number: signal.Signals
) -> None:
    stack = up("--model", "quick=2")
    if moment == "begun":
        # Not earlier: a Ctrl-C while Python still imports is lost now and then, in a callback of its own.
        wait_until((tmp_path / "data" / "slotline" / "logs").is_dir, 60, "the folder of the logs")
    elif moment == "redis":
        wait_until(lambda: any("redis-server" in line for line in left_over()), 30, "the embedded Redis")
    else:
        stack.wait_for_log(moment, 60)
    stack.signal(number)
    assert stack.wait(40) in (0, 130)
    assert left_over() == []


def test_a_stack_that_is_killed_takes_everything_along_and_the_next_one_starts_at_once(
    up: Up, left_over: LeftOver, wait_until: WaitUntil
) -> None:
    stack = up("--model", "quick=2", env={"SLOTLINE_LEASE_S": "60"})
    speak(stack)
    stack.kill()
    wait_until(lambda: not left_over(), 15, "the end of all its processes")
    again = up("--model", "quick=2", env={"SLOTLINE_LEASE_S": "60"})
    assert speak(again, "Hello again.") > 0


@pytest.mark.worker
def test_ready_json_tells_where_the_stack_is_and_ends_with_stdin(
    own_environment: None, catalog_file: Path, left_over: LeftOver, tmp_path: Path
) -> None:
    process = subprocess.Popen(
        slotline_command("up", "--ready-json", "--model", "quick"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment({}),
        cwd=tmp_path,
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        assert ready["store_url"] == str(tmp_path / "store")
        assert ready["data"] == str(tmp_path / "data" / "slotline")
        assert running() == []  # it ends with its command, so nobody else is to find it
        with redis.Redis.from_url(ready["broker_url"]) as client:
            assert client.ping()
        process.stdin.close()
        assert process.wait(40) == 0
        assert process.stdout.read() == b""
    assert left_over() == []


def test_a_folder_with_its_own_tasks_and_workers_is_never_imported(up: Up, tmp_path: Path) -> None:
    for name in ("tasks", "workers", "producer"):
        (tmp_path / "mine" / name).mkdir(parents=True)
        (tmp_path / "mine" / name / "__init__.py").write_text("raise RuntimeError('the wrong package')")
    (tmp_path / "mine" / "celeryconfig.py").write_text("raise RuntimeError('the wrong settings')")
    stack = up("--model", "quick", cwd=tmp_path / "mine", env={"PYTHONSAFEPATH": "1"})
    assert speak(stack) > 0
    assert "the wrong" not in stack.log()


@pytest.fixture(autouse=True)
def fresh_settings() -> Iterator[None]:
    """The catalog that a test names is read anew by this process."""
    settings.cache_clear()
    catalog.cache_clear()
    yield
    settings.cache_clear()
    catalog.cache_clear()


assert sys.platform.startswith("linux"), "what ends with its parent is known by /proc here"


def test_two_stacks_never_share_a_folder_whoever_brings_redis(
    up: Up, broker: str, tmp_path: Path, wait_until: WaitUntil
) -> None:
    first = up("--model", "quick", "--broker", broker, "--data", str(tmp_path / "shared"))
    first.wait_for_log("slotline is up", 60)
    second = up("--model", "quick", "--broker", broker, "--data", str(tmp_path / "shared"))
    wait_until(lambda: second.returncode is not None or "slotline is up" in second.log(), 60)
    assert second.returncode == 1
    assert f"another stack (pid {first.pid}) runs with the data in {tmp_path / 'shared'}" in second.log()
