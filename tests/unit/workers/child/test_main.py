"""The slot's child: it dies and is replaced, it cannot load and the worker ends; never a loop, never in silence."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import redis
from celery import Celery

from tasks.redis import keys
from tests.fixtures.processes import ROOT
from tests.fixtures.waiting import GIVE_UP_S, WaitUntil, at_most
from tests.fixtures.workers import StartWorker

ChildrenOf = Callable[[int], list[int]]

MOODY = """
import pathlib, os
from workers.adapters.rehearsal import Rehearsal
from tasks.errors import MissingExtra, ModelLoadError

class Moody(Rehearsal):
    def run(self, batch):
        if any("sys.exit" in item.text for item in batch):
            raise SystemExit(7)
        return super().run(batch)

    def load(self):
        mood = pathlib.Path(os.environ["MOOD"]).read_text().strip()
        if mood == "bad":
            raise ModelLoadError("weights: the file is gone")
        if mood == "missing":
            raise MissingExtra("moody: pip install 'slotline[moody]'")
        if mood == "exit":
            os._exit(3)
        if mood == "odd":
            raise ZeroDivisionError("division by zero")
        return super().load()
"""


@pytest.fixture
def mood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that says how the model `moody` loads; its adapter is found by entry point, as a third party's is."""
    (tmp_path / "moody_adapter.py").write_text(MOODY)
    package = tmp_path / "moody-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: moody\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text("[slotline.adapters]\nmoody = moody_adapter:Moody\n")
    (tmp_path / "models.toml").write_text('[models.moody]\nadapter = "moody"\n')
    path = tmp_path / "mood"
    path.write_text("good")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("SLOTLINE_MODELS", str(tmp_path / "models.toml"))
    monkeypatch.setenv("MOOD", str(path))
    return path


def test_a_killed_child_is_replaced_and_the_same_worker_runs_its_message_first(
    start_worker: StartWorker,
    catalog_file: Path,
    client: Celery,
    redis_client: redis.Redis,
    children_of: ChildrenOf,
    wait_until: WaitUntil,
) -> None:
    worker = start_worker("--model", "patient")
    worker.wait_for_log("ready: patient")
    names = ["first", "second", "third", "fourth"]
    texts = ["⚡slow=1.5 one", "two", "three", "four"]
    results = [
        client.send_task("speech.paragraph", kwargs={"text": t, "model": "patient"}, queue="patient", task_id=n)
        for n, t in zip(names, texts, strict=True)
    ]
    wait_until(lambda: redis_client.exists(keys.attempts("first")), 10, "the first to be begun")
    first_child = children_of(worker.pid)[0]
    os.kill(first_child, signal.SIGKILL)
    for result in results:
        assert result.get(timeout=GIVE_UP_S)["computed"]
    done = [worker.wait_for_log(rf"\[{name}\] succeeded").start() for name in names]
    received = re.findall(r"\[(\w+)\] received", worker.log())
    again = [name for name in received[4:] if name != "fourth"]  # it only waited, and may come back before the others
    assert (received[:4], again) == (names, names[:3]), "what was handed over came back to the front, in its order"
    # The first one runs alone, when what was handed over beside it has ended; the fourth was not yet.
    assert done[0] < done[3]
    assert done[1] < done[2]
    assert worker.returncode is None
    assert children_of(worker.pid) != [first_child]


def test_a_model_that_cannot_load_ends_the_worker_with_one_line(start_worker: StartWorker, catalog_file: Path) -> None:
    worker = start_worker("--model", "broken", env={"SLOTLINE_LOAD_ATTEMPTS": "2"})
    assert worker.wait(20) == 1
    log = worker.log()
    assert log.count("CRITICAL") == 1
    assert "model broken: cannot load it (tried 2 times): ModelLoadError: " in log
    assert "load 1 of 2 failed, again in 1 s" in log
    assert "Traceback" not in log
    assert "ready" not in log


def test_a_load_beyond_its_budget_is_killed_and_counts_as_failed(start_worker: StartWorker, catalog_file: Path) -> None:
    worker = start_worker("--model", "overdue", env={"SLOTLINE_LOAD_ATTEMPTS": "1"})
    began = time.monotonic()
    assert worker.wait(20) == 1
    assert time.monotonic() - began < at_most(10)
    assert "took longer than load_limit_s = 1" in worker.log()


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("bad", "cannot load it (tried 2 times): ModelLoadError: weights: the file is gone"),
        ("missing", "cannot load it (tried 1 time): MissingExtra: moody: pip install 'slotline[moody]'"),
        ("exit", "cannot load it (tried 2 times): its process died while loading (exitcode 3)"),
        ("odd", "cannot load it (tried 2 times): ModelLoadError: ZeroDivisionError: division by zero"),
    ],
)
def test_a_replacement_that_cannot_load_ends_the_worker_as_well(
    start_worker: StartWorker, broker: str, mood: Path, children_of: ChildrenOf, how: str, said: str
) -> None:
    worker = start_worker(
        "--model", "moody", env={"SLOTLINE_LOAD_ATTEMPTS": "2", "PYTHONPATH": f"{ROOT}:{mood.parent}"}
    )
    worker.wait_for_log("ready: moody")
    mood.write_text(how)
    os.kill(children_of(worker.pid)[0], signal.SIGKILL)
    assert worker.wait(20) == 1
    assert said in worker.log()


def test_a_crash_in_native_code_costs_its_message_alone_after_three_tries(
    start_worker: StartWorker, catalog_file: Path, client: Celery
) -> None:
    worker = start_worker("--model", "patient")
    worker.wait_for_log("ready: patient")
    poison = client.send_task("speech.paragraph", kwargs={"text": "⚡crash", "model": "patient"}, queue="patient")
    sound = client.send_task("speech.paragraph", kwargs={"text": "fine", "model": "patient"}, queue="patient")
    assert sound.get(timeout=GIVE_UP_S)["computed"]
    with pytest.raises(Exception, match="its worker died in all 3 attempts"):
        poison.get(timeout=GIVE_UP_S)
    assert worker.has_logged("its model is loaded again", 3)
    assert worker.returncode is None


def test_memory_that_runs_out_ends_neither_the_parent_nor_the_child(
    start_worker: StartWorker, catalog_file: Path, client: Celery, children_of: ChildrenOf
) -> None:
    worker = start_worker("--model", "patient")
    worker.wait_for_log("ready: patient")
    before = children_of(worker.pid)
    heavy = client.send_task("speech.paragraph", kwargs={"text": "⚡memory", "model": "patient"}, queue="patient")
    sound = client.send_task("speech.paragraph", kwargs={"text": "fine", "model": "patient"}, queue="patient")
    with pytest.raises(Exception, match="memory ran out"):
        heavy.get(timeout=GIVE_UP_S)
    assert sound.get(timeout=GIVE_UP_S)["computed"]
    assert "Unrecoverable" not in worker.log()
    assert children_of(worker.pid) == before


def test_a_model_that_ends_its_process_costs_the_message_alone(
    start_worker: StartWorker, broker: str, mood: Path, client: Celery
) -> None:
    worker = start_worker("--model", "moody", env={"PYTHONPATH": f"{ROOT}:{mood.parent}"})
    worker.wait_for_log("ready: moody")
    leaving = client.send_task("speech.paragraph", kwargs={"text": "sys.exit", "model": "moody"}, queue="moody")
    sound = client.send_task("speech.paragraph", kwargs={"text": "fine", "model": "moody"}, queue="moody")
    with pytest.raises(Exception, match="its worker died in all 3 attempts"):
        leaving.get(timeout=GIVE_UP_S)
    assert sound.get(timeout=GIVE_UP_S)["computed"]
    assert worker.returncode is None


def test_the_child_dies_with_its_parent(
    start_worker: StartWorker, catalog_file: Path, children_of: ChildrenOf, wait_until: WaitUntil
) -> None:
    worker = start_worker("--model", "quick")
    worker.wait_for_log("ready: quick")
    orphan = children_of(worker.pid)[0]
    worker.kill()
    wait_until(lambda: not _lives(orphan), 5, "the child to be gone")


def _lives(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_what_a_model_prints_is_in_the_log_though_its_process_is_killed(tmp_path: Path) -> None:
    code = "import os; from workers.child.main import print_at_once; print_at_once(); print('loaded'); os._exit(1)"
    quiet = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with (tmp_path / "log").open("w") as log:
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=quiet, stdout=log, timeout=GIVE_UP_S)
    assert (tmp_path / "log").read_text() == "loaded\n"
