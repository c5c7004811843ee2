"""A worker in the background: its starter knows whether it started; a refusal reaches the terminal and the log."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.processes import ROOT, LeftOver
from tests.fixtures.waiting import WaitUntil
from workers.detach import attached, start

pytestmark = pytest.mark.worker


def celery(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Celery's command until it ends, and what its terminal shows."""
    command = [sys.executable, "-m", "celery", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def detached(*arguments: str) -> subprocess.CompletedProcess[str]:
    return celery("-A", "workers", "worker", "-D", *arguments)


def test_a_refusal_is_on_the_terminal_and_in_the_log_and_the_status_is_the_workers(
    broker: str, catalog_file: Path, tmp_path: Path
) -> None:
    log = tmp_path / "worker.log"
    refused = detached("--model", "nosuch", f"--logfile={log}")
    assert refused.returncode == 2
    assert "slotline: model: no model 'nosuch'" in refused.stderr
    assert "slotline: model: no model 'nosuch'" in log.read_text()
    nowhere = detached("--model", "quick", f"--logfile={tmp_path}/no/worker.log")
    assert nowhere.returncode == 2
    assert "there is no such folder" in nowhere.stderr


def test_a_started_worker_goes_on_alone_and_its_pidfile_refuses_a_second(
    broker: str, catalog_file: Path, tmp_path: Path, left_over: LeftOver, wait_until: WaitUntil
) -> None:
    files = (f"--logfile={tmp_path}/%n.log", f"--pidfile={tmp_path}/worker.pid")
    assert detached("--model", "quick", "-n", "mine@here", *files).returncode == 0
    pid = int((tmp_path / "worker.pid").read_text())
    log = tmp_path / "mine.log"
    wait_until(lambda: "ready: quick on mine" in log.read_text(), what="the model to be loaded")
    assert Path(f"/proc/{pid}/fd/2").readlink() == log, "what native code prints is not lost"
    second = detached("-Q", "flow", *files)
    assert second.returncode == 73
    assert f"already running? (pid: {pid})" in second.stderr
    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not left_over(), what="the worker to end")


def test_celery_multi_says_that_its_worker_failed(broker: str, catalog_file: Path, tmp_path: Path) -> None:
    files = (f"--logfile={tmp_path}/%n.log", f"--pidfile={tmp_path}/%n.pid")
    started = celery("multi", "start", "one", "-A", "workers", "--model=nosuch", *files)
    assert "Child terminated with exit code 2" in started.stdout, "multi's own status is always 0"
    assert "no model 'nosuch'" in started.stderr
    assert "no model 'nosuch'" in (tmp_path / "one.log").read_text()


@pytest.mark.parametrize(
    ("arguments", "left"),
    [
        (["worker", "--detach", "--model", "m"], ["worker", "--model", "m"]),
        (["worker", "-D", "-E", "--uid", "7"], ["worker", "-E", "--uid", "7"]),
        (["worker", "-DE", "-ED", "-n", "D@here"], ["worker", "-E", "-E", "-n", "D@here"]),
    ],
)
def test_the_worker_itself_does_not_detach_again(arguments: list[str], left: list[str]) -> None:
    assert attached(arguments) == left


def test_a_process_that_ends_before_it_has_started_is_a_failure(capfd: pytest.CaptureFixture[str]) -> None:
    said, status = start([sys.executable, "-c", "import os; print('no', flush=True); os.kill(os.getpid(), 9)"])
    assert (said, status) == (b"no\n", 1)
    assert capfd.readouterr().err == "no\n"
