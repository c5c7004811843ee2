"""The terminal of a page: what one command leaves is there for the next, and nothing runs on at its end."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.pages.environment import SYSTEM_PATH
from tests.fixtures.pages.terminal import Terminal, Typed
from tests.fixtures.processes import LeftOver

pytestmark = pytest.mark.worker


@pytest.fixture
def terminal(tmp_path: Path, left_over: LeftOver) -> Iterator[Terminal]:
    """A terminal in the folder `home` that finds this test's Python."""
    (tmp_path / "home").mkdir()
    (tmp_path / "notes").mkdir()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    path = f"{tmp_path}/bin:{SYSTEM_PATH}"
    made = Terminal(tmp_path / "home", {"HOME": str(tmp_path / "home"), "PATH": path}, tmp_path / "notes")
    yield made
    made.close()
    assert left_over() == []


def ended(terminal: Terminal, typed: Typed) -> tuple[int | None, str]:
    """The status and the output of a command, once it has ended."""
    terminal.wait_for_end(typed, "a command")
    return typed.status, typed.printed()


def test_what_a_command_leaves_is_there_for_the_next(terminal: Terminal, tmp_path: Path) -> None:
    assert ended(terminal, terminal.command("mkdir here && cd here && export WORD='two words'")) == (0, "")
    assert ended(terminal, terminal.command('pwd; echo "$WORD" >&2')) == (0, f"{tmp_path}/home/here\ntwo words\n")
    assert terminal.folder() == tmp_path / "home" / "here"
    assert ended(terminal, terminal.command("cat; false"))[0] == 1


def test_a_command_in_the_background_is_waited_for_by_its_words_and_stopped_at_the_end(terminal: Terminal) -> None:
    typed = terminal.command("{ echo begun; sleep 1000; } &")
    terminal.wait_for_words(typed, lambda output: "begun" in output, "the background")
    assert typed.status == 0
    assert typed.runs_on()
    stopped = terminal.command("{ echo begun; sleep 1000; } &")
    terminal.wait_for_words(stopped, lambda output: "begun" in output, "the background")
    assert ended(terminal, terminal.command("kill %2; wait %2; true"))[0] == 0
    assert not stopped.runs_on()


def test_one_that_ends_without_its_words_is_not_waited_for(terminal: Terminal) -> None:
    typed = terminal.command("true &")
    terminal.wait_for_words(typed, lambda output: False, "the background")
    assert not typed.runs_on()


def test_blocks_of_python_have_the_same_names_and_the_shells_variables(terminal: Terminal, tmp_path: Path) -> None:
    assert ended(terminal, terminal.command("export WORD=exported"))[0] == 0
    assert ended(terminal, terminal.python("import os\nword = os.environ['WORD']\n", "page.md:3")) == (0, "")
    assert ended(terminal, terminal.python("print(word, __name__)\n", "page.md:9")) == (0, "exported __main__\n")
    status, output = ended(terminal, terminal.python("\nraise ValueError(word)\n", "page.md:12"))
    assert status == 1
    assert 'File "page.md:12", line 2' in output
    assert "ValueError: exported" in output
    assert ended(terminal, terminal.python("print(word)\n", "page.md:20")) == (0, "exported\n")
