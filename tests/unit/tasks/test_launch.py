"""Processes that slotline starts: they import this slotline wherever they run, and end with what started them."""

from __future__ import annotations

import os
import signal
import site
import subprocess
import sys
from pathlib import Path

import pytest

from tasks import __version__, launch
from tests.fixtures.waiting import WaitUntil


@pytest.mark.parametrize("command", [launch.slotline_command("--version"), launch.celery_command("--version")])
def test_a_started_command_never_imports_folders_of_the_same_names_around_it(
    command: list[str], tmp_path: Path
) -> None:
    for name in ("tasks", "celery"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise RuntimeError('a stranger')\n")
    done = subprocess.run(
        command, cwd=tmp_path, env=launch.environment({}), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_the_slotline_that_is_started_is_this_one(tmp_path: Path) -> None:
    code = "import tasks; print(tasks.__file__, tasks.__version__)"
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=launch.environment({}), capture_output=True, text=True
    ).stdout.split()
    assert said == [str(launch.code_home() / "tasks" / "__init__.py"), __version__]


def test_what_is_asked_for_is_added_to_the_environment_and_the_path_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    made = launch.environment({"MODEL_DEVICE": "cpu"})
    assert made["MODEL_DEVICE"] == "cpu"
    assert made["PYTHONPATH"] == os.pathsep.join([str(launch.code_home()), "/elsewhere"])
    assert launch.environment({"PYTHONSAFEPATH": ""})["PYTHONSAFEPATH"] == "", "who asks for another value gets it"


def test_an_installed_slotline_needs_no_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    monkeypatch.setattr(site, "getsitepackages", lambda: [str(launch.code_home())])
    assert launch.environment({})["PYTHONPATH"] == "/elsewhere"


STARTS_ONE = """
import subprocess, sys
from tasks.launch import die_with_parent
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], preexec_fn=die_with_parent())
print(child.pid, flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel's signal is Linux' own")
def test_a_process_ends_with_the_one_that_started_it_even_by_a_kill(wait_until: WaitUntil) -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTS_ONE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=launch.environment({}),
    )
    with starter:
        assert starter.stdout is not None
        pid = int(starter.stdout.readline())
        assert _runs(pid)
        starter.kill()
    wait_until(lambda: not _runs(pid), 10, "the end of what it had started")


def test_where_the_kernel_has_no_such_signal_nothing_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert launch.die_with_parent(signal.SIGTERM) is None


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False
