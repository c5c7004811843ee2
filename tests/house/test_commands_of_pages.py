"""A command stands on a page where a test runs it: in a `console` block, or with a reason in `exceptions.py`.

CONTRIBUTING.md, «Commands of a page», describes the form; `tests/acceptance/pages/test_pages.py` runs what it finds.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.fixtures.pages.blocks import Block, blocks, name_of, pages
from tests.fixtures.pages.steps import Command, Python, first_line, steps
from tests.house.exceptions import BLOCKS_NOT_RUN, blocks_not_run

PROGRAMS = (
    "slotline|celery|make|pip|uv|python3?|git|docker|npm|npx|huggingface-cli|curl|wget|redis-cli|redis-server|"
    "apt|apt-get|brew|cd|export|mkdir|tar|sudo|systemctl|kill"
)
COMMAND = re.compile(rf"^\s*(?:\$ |\. \.?\w|(?:[A-Z_]+=\S+ )?(?:\.venv/bin/)?(?:{PROGRAMS})(?: |$))")
SHELLS = ("sh", "bash", "shell", "zsh")
RUN = ("console", "python")
PAGES = pages()


def listed(page: Path) -> frozenset[str]:
    return blocks_not_run(name_of(page))


def place(page: Path, block: Block) -> str:
    return f"{name_of(page)}:{block.line}: {first_line(block)}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_each_command_of_a_page_is_run_or_listed(page: Path) -> None:
    found = [block for block in blocks(page.read_text("utf-8")) if first_line(block) not in listed(page)]
    wrong = [
        place(page, block)
        for block in found
        if block.language in SHELLS
        or (block.language not in RUN and not block.name and any(map(COMMAND.match, block.lines)))
    ]
    assert not wrong, f"write it as a `console` block, or say in tests/house/exceptions.py why not: {wrong}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_the_steps_of_a_page_are_in_the_form(page: Path) -> None:
    found = steps(page.read_text("utf-8"), listed(page))
    for step in found:
        if isinstance(step, Python):
            compile(step.text, f"{name_of(page)}:{step.line}", "exec")
        elif isinstance(step, Command):
            assert step.text.strip(), f"{name_of(page)}:{step.line}: a command without words"


def test_what_is_listed_as_not_run_stands_on_its_page() -> None:
    there = {(name_of(page), first_line(block)) for page in PAGES for block in blocks(page.read_text("utf-8"))}
    gone = [f"{page}: {line}" for page, lines in BLOCKS_NOT_RUN.items() for line in lines if (page, line) not in there]
    assert not gone, "take them from tests/house/exceptions.py"
