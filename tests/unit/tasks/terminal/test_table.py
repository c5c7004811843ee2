"""A table in a pipe and on terminals: one line a row, however wide; only the named columns change with the width."""

from __future__ import annotations

import re

import pytest

from tasks.terminal.table import NARROWEST, PIPE_WIDTH, column_widths, print_line, print_table

UUID = "5d1c7c3e-6d6b-4c8f-9f53-4a2f6f5b0d11"


@pytest.fixture
def on_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal of 40 columns, without colours."""
    for name, value in {"FORCE_COLOR": "1", "TERM": "dumb", "COLUMNS": "40", "LINES": "20"}.items():
        monkeypatch.setenv(name, value)


def test_each_row_is_one_line_under_its_headings(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["slot", "model"], [["cpu-0", "espeak"], ["cpu-1", "bart"]])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines] == [["slot", "model"], ["cpu-0", "espeak"], ["cpu-1", "bart"]]


def test_only_a_wrapped_column_takes_several_lines(capsys: pytest.CaptureFixture[str]) -> None:
    reason = "word " * PIPE_WIDTH
    print_table(["slot", "why"], [["cpu-0", reason]], wrapped={"why"})
    assert len(capsys.readouterr().out.splitlines()) > 2
    print_table(["slot", "why"], [["cpu-0", reason]])
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_brackets_in_a_cell_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["slot", "why"], [["gpu0", "models.toml line 3: [models.bart] device is unknown"]])
    assert "[models.bart]" in capsys.readouterr().out


def test_no_cell_and_no_line_controls_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["title", "model"], [["\x1b[2JChí\nPhèo", "bart"]])
    print_line("FAILED: \x1b[31m[red]Chí Phèo[/red] :warning:")
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert r"\x1b[2JChí Phèo  bart" in said
    assert r"FAILED: \x1b[31m[red]Chí Phèo[/red] :warning:" in said


def test_a_long_path_is_whole_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["id", "path"], [["1", "/a/long/path" * 40]])
    assert "/a/long/path" * 40 in capsys.readouterr().out


def test_on_a_narrow_terminal_titles_give_way_and_ids_stay_whole(
    on_terminal: None, capsys: pytest.CaptureFixture[str]
) -> None:
    print_table(["id", "title", "state"], [[UUID, "A title of many words", "failure"]], shortened={"title"})
    said = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)
    assert UUID in said
    assert "failure" in said
    assert "A title of many words" not in said


def test_wide_letters_take_two_columns(on_terminal: None, capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["title", "state"], [["志飘", "done"], ["four", "done"]])
    lines = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out).splitlines()
    assert lines[1].startswith("志飘   done")
    assert lines[2].startswith("four   done")


def test_a_short_row_leaves_its_last_cells_empty(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["chapter", "audio"], [["Book"], ["1 One", "2.0 s"]], right={"audio"})
    assert [line.split() for line in capsys.readouterr().out.splitlines()][1:] == [["Book"], ["1", "One", "2.0", "s"]]


def test_flexible_columns_give_what_is_lacking_the_widest_first_and_keep_a_rest() -> None:
    widest = {"id": 36, "title": 40, "why": 100}
    assert column_widths(widest, {"title", "why"}, 240) == widest
    assert column_widths(widest, {"title", "why"}, 120) == {"id": 36, "title": 40, "why": 40}
    assert column_widths(widest, {"title", "why"}, 20) == {"id": 36, "title": NARROWEST, "why": NARROWEST}
