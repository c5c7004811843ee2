"""A table in a pipe: one line a row, however wide, and only the named columns may wrap."""

from __future__ import annotations

import pytest

from workers.commands.table import PIPE_WIDTH, print_table


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


@pytest.mark.xfail(strict=True, reason="rich reads [words] in a cell as its own markup, and leaves them out")
def test_brackets_in_a_cell_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["slot", "why"], [["gpu0", "models.toml line 3: [models.bart] device is unknown"]])
    assert "[models.bart]" in capsys.readouterr().out
