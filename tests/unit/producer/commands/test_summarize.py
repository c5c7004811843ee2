"""`slotline summarize`, whole: files in, summaries out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.launch import slotline_command
from tests.fixtures.commands import Said
from tests.fixtures.environment import UseCatalog
from tests.fixtures.processes import LeftOver, Process, StartProcess
from tests.fixtures.workers import StartPair

CATALOG = """
[models.words]
adapter = "rehearsal"
gives = "text"
reads_tokens = 30
faults = true

[models.quick]
adapter = "rehearsal"
"""

Command = Callable[..., Process]


@pytest.fixture
def command(start_process: StartProcess, use_catalog: UseCatalog, tmp_path: Path) -> Command:
    use_catalog(CATALOG)
    (tmp_path / "one.md").write_text("# One\n\n" + "The first of all words. " * 40 + "\n\n# Two\n\nThe last one.\n")
    (tmp_path / "two.txt").write_text("A short text.")
    (tmp_path / "bad.txt").write_text("This is ⚡error bad.")

    def start(*arguments: str) -> Process:
        return start_process(*slotline_command("summarize", *arguments), name="summarize", cwd=tmp_path)

    return start


def test_files_are_summarised_by_a_stack_of_its_own(command: Command, tmp_path: Path, left_over: LeftOver) -> None:
    process = command("--local", "one.md", "two.txt", "--max-length", "5", "-o", "out")
    assert process.wait(90) == 0, process.log()
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["one.txt", "two.txt"]
    assert (tmp_path / "out" / "one.txt").read_text() == "One The first of all\n"
    assert (tmp_path / "out" / "two.txt").read_text() == "A short text.\n"
    assert "levels -> out/one.txt" in process.log()
    assert left_over() == []


def test_a_summary_is_printed_and_a_chapter_can_be_chosen(command: Command, broker: str, start_pair: StartPair) -> None:
    start_pair("words")
    process = command("one.md", "--chapters", "2")
    assert process.wait(60) == 0, process.log()
    assert process.log().strip().endswith("The last one.")


def test_a_file_that_fails_does_not_cost_the_other_its_summary(
    command: Command, broker: str, start_pair: StartPair, tmp_path: Path
) -> None:
    start_pair("words")
    process = command("bad.txt", "two.txt", "-o", "out")
    assert process.wait(60) == 1, process.log()
    assert "slotline: bad.txt: 1 of 1 parts failed" in process.log()
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["two.txt"]


def test_a_file_that_cannot_be_written_does_not_cost_the_other_its_summary(
    command: Command, broker: str, start_pair: StartPair, tmp_path: Path
) -> None:
    start_pair("words")
    (tmp_path / "out" / "one.txt").mkdir(parents=True)
    process = command("one.md", "two.txt", "-o", "out")
    assert process.wait(60) == 1
    assert "slotline: one.md: out/one.txt cannot be written: " in process.log()
    assert (tmp_path / "out" / "two.txt").read_text() == "A short text.\n"


def test_the_model_must_be_named_where_none_or_many_write(
    slotline: Callable[..., Said], use_catalog: UseCatalog, broker: str, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("Some words.")
    use_catalog('[models.quick]\nadapter = "rehearsal"\n')
    said = slotline("summarize", tmp_path / "a.txt")
    assert said.status == 2
    assert said.err.startswith("slotline: --model: name the model that is to summarise; none of ")
    use_catalog('[models.a]\nadapter = "bart"\n[models.b]\nadapter = "bart"\n')
    said = slotline("summarize", tmp_path / "a.txt")
    assert "--model: name the model that is to summarise; a, b write" in said.err
