"""The files of a command: read before anything starts, and no two outputs in one place."""

from __future__ import annotations

from pathlib import Path

import pytest

from producer.commands.sources import free_path, read_sources
from tasks.errors import InvalidInput


def test_each_file_is_a_book_with_the_chosen_chapters(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# One\n\nThe first.\n\n# Two\n\nThe second.\n")
    (tmp_path / "b.txt").write_text("Some words.")
    [two, whole] = read_sources([tmp_path / "a.md", tmp_path / "b.txt"], None)
    assert [number for number, _ in two.chapters] == [1, 2]
    assert (two.name, whole.name) == ("a", "b")
    [last] = read_sources([tmp_path / "a.md"], "2")
    assert [chapter.title for _, chapter in last.chapters] == ["Two"]


def test_a_wrong_file_or_chapter_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no.txt: no such file"):
        read_sources([tmp_path / "no.txt"], None)
    (tmp_path / "b.txt").write_text("Some words.")
    with pytest.raises(InvalidInput, match="chapters: there is no 2"):
        read_sources([tmp_path / "b.txt"], "2")
    with pytest.raises(InvalidInput, match="no.txt: no such file; .*neither.md: no such file"):
        read_sources([tmp_path / "no.txt", tmp_path / "b.txt", tmp_path / "neither.md"], None)


def test_a_taken_path_gets_a_number() -> None:
    taken: list[Path | None] = []
    for _ in range(3):
        taken.append(free_path(Path("out"), "Mr. Smith", ".txt", taken))
    names = [path.name for path in taken if path]
    assert names == ["Mr. Smith.txt", "Mr. Smith (2).txt", "Mr. Smith (3).txt"]
    assert free_path(Path(), "Mr. Smith", "", [Path("Mr. Smith")]) == Path("Mr. Smith (2)")
