"""README is short, its adapter is one, and its translation says the same: headings, commands and code, links, rows.

What its commands print is tried in `tests/acceptance/pages/test_pages.py`.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.fixtures.pages.blocks import blocks
from tests.unit.workers.conformance.checked import entry_of, here, install, lines_of, wrong

ROOT = Path(__file__).resolve().parents[2]
README, TRANSLATED = ROOT / "README.md", ROOT / "README.vi.md"
MOST_WORDS = 1000
LINK = re.compile(r"\]\(([^)\s]+)\)")
VIETNAMESE = re.compile(r"[ăâđêôơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ]", re.I)


def prose(page: Path) -> str:
    """A page without its blocks of code."""
    return re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.M | re.S)


def levels(page: Path) -> list[int]:
    """The level of each heading, in order."""
    return [len(found) for found in re.findall(r"^(#+) ", prose(page), re.M)]


def test_the_readme_is_read_in_five_minutes() -> None:
    words = len(README.read_text("utf-8").split())
    assert words <= MOST_WORDS, f"README.md has {words} words: move something to a page of docs/"


def test_the_adapter_that_it_shows_passes_the_check_of_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = [block.text for block in blocks(README.read_text("utf-8")) if "InferenceAdapter" in block.text]
    (tmp_path / "shown_in_readme.py").write_text(code[0], "utf-8")
    install(tmp_path, {"shown": "shown_in_readme:Sums"})
    monkeypatch.syspath_prepend(str(tmp_path))
    entry = entry_of("shown")
    lines = lines_of(here(entry), entry)
    assert not wrong(lines)
    assert "batch = singles" in lines


def test_the_translation_has_the_same_headings() -> None:
    assert levels(TRANSLATED) == levels(README)


def test_the_translation_has_the_same_commands_and_code() -> None:
    """A block without a language is a picture, and has words to translate."""
    here, there = (blocks(page.read_text("utf-8")) for page in (README, TRANSLATED))
    assert [block.language for block in here] == [block.language for block in there]
    assert [block.text for block in here if block.language] == [block.text for block in there if block.language]


def test_the_translation_has_the_same_links() -> None:
    here, there = (sorted(LINK.findall(prose(page))) for page in (README, TRANSLATED))
    here.remove(TRANSLATED.name)
    there.remove(README.name)
    assert here == there


def test_the_translation_has_the_same_rows_and_paragraphs() -> None:
    here, there = (re.split(r"\n{2,}|\n(?=\| )", prose(page).strip()) for page in (README, TRANSLATED))
    assert len(here) == len(there)


def test_the_translation_is_a_translation() -> None:
    words = prose(TRANSLATED).split()
    assert sum(bool(VIETNAMESE.search(word)) for word in words) > len(words) / 4


@pytest.mark.parametrize("page", [README, TRANSLATED], ids=lambda page: page.name)
def test_a_line_of_prose_is_not_longer_than_a_screen(page: Path) -> None:
    assert [line for line in page.read_text("utf-8").splitlines() if len(line) > 130 and line[0] not in "|"] == []
