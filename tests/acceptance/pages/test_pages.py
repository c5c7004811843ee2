"""Each command and each block of Python of README and of the how-tos, run as it is written, on a new user's machine.

A page is one test: its commands run in order in one terminal, in an empty home, and print what the page says.
CONTRIBUTING.md, «Commands of a page», describes the form; `tests/house/test_commands_of_pages.py` refuses a command in
another form.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fixtures.pages import printed
from tests.fixtures.pages.belongings import put_belongings
from tests.fixtures.pages.blocks import ROOT, name_of, pages
from tests.fixtures.pages.environment import Machine
from tests.fixtures.pages.steps import Command, File, Python, Step, steps
from tests.fixtures.pages.terminal import Terminal, Typed
from tests.fixtures.ports import free_port
from tests.fixtures.processes import LeftOver
from tests.house.exceptions import blocks_not_run

pytestmark = [pytest.mark.slow, pytest.mark.worker, pytest.mark.timeout(600)]

PORTS = ("6379", "6380")
"""The ports of Redis that pages write. A page's test has others, because these may be in use."""
SHOWN_ONLY = re.compile(r"make (?=(?:check|test|test-fast|test-all|test-lowest|bench)\b)")
"""These take up to hours, this test is one of them, and CI runs them: `make --dry-run` says that they would begin."""


def what_to_do(page: Path) -> list[Step]:
    """The page's steps."""
    return steps(page.read_text("utf-8"), blocks_not_run(name_of(page)))


class Reader:
    """A new user who does what a page says, and compares what is printed."""

    def __init__(self, page: Path, terminal: Terminal, machine: Machine) -> None:
        self._page = page
        self._terminal = terminal
        self._machine = machine
        self._names: dict[str, str] = {}
        self._ports = {port: str(free_port()) for port in PORTS}

    def do(self, step: Step) -> None:
        """Do one step, and see that it does what the page says."""
        text = self._with_own_ports(printed.filled(step.text, self._names))
        text = SHOWN_ONLY.sub("make --dry-run ", text)
        match step:
            case File():
                with (self._terminal.folder() / step.name).open("a", encoding="utf-8") as file:
                    file.write(text)
            case Command() if text.startswith("pip "):
                with self._machine.alone():  # it installs into the environment that all pages share
                    self._check(step, self._terminal.command(text))
            case Command():
                self._check(step, self._terminal.command(text))
            case Python():
                self._check(step, self._terminal.python(text, f"{name_of(self._page)}:{step.line}"))

    def _with_own_ports(self, text: str) -> str:
        return re.sub("|".join(PORTS), lambda found: self._ports[found[0]], text)

    def _check(self, step: Command | Python, typed: Typed) -> None:
        where = f"{name_of(self._page)}:{step.line}: {step.text.strip().splitlines()[0]}"
        expected = list(map(self._with_own_ports, step.expected))

        def names_in(output: str) -> dict[str, str] | None:
            return printed.begins(output, expected, self._names)

        if isinstance(step, Command) and step.is_background:
            self._terminal.wait_for_words(typed, lambda output: names_in(output) is not None, where)
        else:
            self._terminal.wait_for_end(typed, where)
        output = typed.printed()
        if typed.status != 0:
            pytest.fail(f"{where}\nended with {typed.status}:\n{output}", pytrace=False)
        names = names_in(output)
        if names is None:
            pytest.fail("\n".join([where, "printed:", output, "instead of:", *expected]), pytrace=False)
        self._names = names


@pytest.fixture
def open_terminal(machine: Machine, tmp_path: Path, left_over: LeftOver) -> Iterator[Callable[[Path], Terminal]]:
    """`open_terminal(page)`: where its reader begins, in an empty home or in the page's folder of the checkout."""
    opened: list[Terminal] = []

    def start(page: Path) -> Terminal:
        home = machine.home(tmp_path / "home")
        (tmp_path / "notes").mkdir()
        (tmp_path / "run").mkdir(mode=0o700)
        folder = home
        if page.parent.name != "docs":
            folder = machine.copy(home / "slotline") / page.parent.relative_to(ROOT)
        put_belongings(folder, what_to_do(page))
        opened.append(Terminal(folder, machine.variables(home, tmp_path / "run"), tmp_path / "notes"))
        return opened[-1]

    try:
        yield start
    finally:
        for terminal in opened:
            terminal.close()
    assert left_over() == [], "the page's commands leave processes behind"


@pytest.mark.parametrize("page", [page for page in pages() if what_to_do(page)], ids=name_of)
def test_a_new_user_does_what_the_page_says(
    page: Path, machine: Machine, open_terminal: Callable[[Path], Terminal]
) -> None:
    reader = Reader(page, open_terminal(page), machine)
    for step in what_to_do(page):
        reader.do(step)
