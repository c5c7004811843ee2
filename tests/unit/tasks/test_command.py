"""The `slotline` command: commands found by entry point, errors in one line, exit statuses."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tasks import __version__

ROOT = Path(__file__).resolve().parents[3]

COMMANDS = """
import os, signal, click
from tasks.errors import InvalidInput, NoFreeSlot, SettingsError

@click.command()
@click.argument("what")
def act(what):
    "Does as it is told."
    if what == "invalid":
        raise InvalidInput("speed: 9 is\\nout of range")
    if what == "settings":
        raise SettingsError("LOG_LEVEL='x': unknown")
    if what == "busy":
        raise NoFreeSlot("no slot is free")
    if what == "interrupted":
        os.kill(os.getpid(), signal.SIGINT)
    if what == "status":
        raise SystemExit(7)
    if what == "context":
        click.get_current_context().exit(5)
    if what == "flood":
        for _ in range(200_000):
            click.echo("word")
    if what == "bug":
        raise RuntimeError("a defect")
    click.echo("done")
"""


@pytest.fixture
def extra(tmp_path: Path) -> Path:
    """A folder with an installed package that adds one good and three broken commands."""
    (tmp_path / "extra_commands.py").write_text(COMMANDS)
    (tmp_path / "refusing.py").write_text(
        "from tasks.errors import MissingExtra\nraise MissingExtra('pip install x')\n"
    )
    information = tmp_path / "extra-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: extra\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(
        "[slotline.commands]\nact = extra_commands:act\nlost = nowhere_to_be_found:lost\n"
        "refusing = refusing:x\nnumber = extra_commands:os\n"
    )
    return tmp_path


def slotline(extra: Path, *arguments: str, pipe: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command as its own process; `pipe` is what a shell would put behind it."""
    path = os.pathsep.join([str(ROOT), str(extra)])
    command = ["bash", "-c", f'set -o pipefail; "$@" {pipe}', "bash", sys.executable, "-m", "tasks.command", *arguments]
    environment = {**os.environ, "PYTHONPATH": path}
    return subprocess.run(command, cwd=extra, env=environment, capture_output=True, text=True, timeout=60)


def test_version_is_the_packages_own(extra: Path) -> None:
    assert slotline(extra, "--version").stdout.split()[-1] == __version__


def test_help_lists_every_command_and_says_which_are_broken(extra: Path) -> None:
    done = slotline(extra, "--help")
    assert done.returncode == 0
    assert "Does as it is told." in done.stdout
    assert "cannot be loaded" in done.stdout.split("lost", 1)[1]
    assert "read" in done.stdout


def test_a_broken_command_shows_its_own_error_and_the_others_work(extra: Path) -> None:
    broken = slotline(extra, "lost", "--any", "thing")
    assert (broken.returncode, broken.stdout) == (1, "")
    assert broken.stderr.strip() == (
        "slotline: lost: cannot be loaded: ModuleNotFoundError: No module named 'nowhere_to_be_found'"
    )
    assert slotline(extra, "act", "well").stdout == "done\n"


@pytest.mark.parametrize(
    ("arguments", "status", "line"),
    [
        (("act", "invalid"), 2, "slotline: speed: 9 is out of range"),
        (("act", "settings"), 2, "slotline: LOG_LEVEL='x': unknown"),
        (("act", "busy"), 1, "slotline: no slot is free"),
        (("refusing",), 1, "slotline: pip install x"),
        (("number",), 1, "slotline: number: cannot be loaded: TypeError: extra_commands:os is not a click command"),
        (("act",), 2, "slotline: Missing argument 'WHAT' (see slotline act --help)"),
        (("act", "--loud", "x"), 2, "slotline: No such option '--loud' (see slotline act --help)"),
        (("atc",), 2, "slotline: No such command 'atc'. Did you mean 'watch'? (see slotline --help)"),
        (("xyz",), 2, "slotline: No such command 'xyz' (see slotline --help)"),
    ],
)
def test_a_refusal_is_one_line_and_an_exit_status(
    arguments: tuple[str, ...], status: int, line: str, extra: Path
) -> None:
    done = slotline(extra, *arguments)
    assert (done.returncode, done.stdout, done.stderr.strip()) == (status, "", line)


@pytest.mark.parametrize(("what", "status"), [("interrupted", 130), ("status", 7), ("context", 5)])
def test_a_commands_own_ending_is_kept(what: str, status: int, extra: Path) -> None:
    done = slotline(extra, "act", what)
    assert done.returncode == status
    assert "Traceback" not in done.stderr


def test_a_reader_that_goes_away_early_is_no_error_to_speak_of(extra: Path) -> None:
    done = slotline(extra, "act", "flood", pipe="| head -1")
    assert done.stdout == "word\n"
    assert done.stderr == ""


def test_a_defect_is_shown_whole(extra: Path) -> None:
    done = slotline(extra, "act", "bug")
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "a defect" in done.stderr


LOST = """
import os, signal, weakref
from tasks.command import main

class Thing: pass
thing = Thing()
seen = weakref.ref(thing, lambda gone: [os.kill(os.getpid(), signal.SIGINT), sum(range(1000))])
del thing
main(["--version"])
"""


def test_ctrl_c_in_a_callback_of_python_ends_the_command() -> None:
    done = subprocess.run([sys.executable, "-c", LOST], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode in (130, -signal.SIGINT)


def test_only_the_start_of_a_process_imports_the_module_that_sets_its_handler() -> None:
    sources = [path for package in ("tasks", "workers", "producer") for path in (ROOT / package).rglob("*.py")]
    found = [str(path) for path in sources if re.search(r"(from|import) tasks\.command\b", path.read_text())]
    assert found == []
