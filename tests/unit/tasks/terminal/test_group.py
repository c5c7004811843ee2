"""What every command goes through: errors in one line, exit status, encoding. As a process: test_command.py."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import click
import pytest

from tasks.errors import CatalogError, InvalidInput, SlotlineError
from tasks.terminal import group
from tasks.terminal.interrupt import Interrupted


class Point:
    """An entry point of a command that raises this."""

    value = "somewhere:act"

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def load(self) -> Any:
        @click.command()
        def act() -> None:
            raise self._error

        return act


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (InvalidInput("title: \x1b[2J is\nno title"), 2, "slotline: title: \\x1b[2J is no title\n"),
        (CatalogError("no such file"), 2, "slotline: no such file\n"),
        (SlotlineError("it failed"), 1, "slotline: it failed\n"),
        (click.ClickException("cannot be done"), 1, "slotline: cannot be done\n"),
        (KeyboardInterrupt(), 130, "\n"),
        (Interrupted(15), 143, "\n"),
        (click.Abort(), 130, ""),
    ],
)
def test_an_error_is_one_line_and_a_status(
    error: BaseException, status: int, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(group, "entry_points", lambda: {"act": Point(error)})
    assert group.run(["act"]) == status
    assert capsys.readouterr().err == said


def test_a_word_that_the_terminals_encoding_lacks_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    monkeypatch.setattr(sys, "stdout", out)
    assert group.run(["--version"]) == 0
    print("Chí Phèo, tiếng Việt")
    out.flush()
    assert out.buffer.getvalue().endswith(b"ti\\u1ebfng Vi\\u1ec7t\n")


def test_a_checkout_knows_commands_that_came_after_its_installation(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    named = group.entry_points.__wrapped__()
    assert "read" in named
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "slotline"\n[project.entry-points."slotline.commands"]\nnew = "producer.commands.say:say"\n'
    )
    monkeypatch.setattr(group, "PROJECT", tmp_path / "pyproject.toml")
    assert group.entry_points.__wrapped__()["new"].value == "producer.commands.say:say"
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "another"\n')
    assert "new" not in group.entry_points.__wrapped__()
    monkeypatch.setattr(group, "PROJECT", tmp_path / "none.toml")
    assert "new" not in group.entry_points.__wrapped__()
