"""Each path, command, option, setting, key and link that README and the docs name exists.

What cannot be told from a name alone is left out: prose, code blocks of other tools, tables of other systems.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click
import pytest

from tasks.redis import keys
from tasks.settings import SECOND_NAMES, Settings
from tasks.terminal.group import slotline

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    [
        *(page for folder in ("docs", "benchmarks", "examples") for page in (ROOT / folder).rglob("*.md")),
        *(ROOT / name for name in ("README.md", "README.vi.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    ]
)
TOP = "tasks|workers|producer|tests|docs|examples|benchmarks"
PATH = re.compile(rf"(?<![\w./<-])((?:{TOP})/[\w./-]*[\w/])(?:: (?P<names>[A-Za-z_][\w.]*(?:, [A-Za-z_][\w.]*)*))?")
LUA = re.compile(r"\b(\w+\.lua)\b")
LINK = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)")
PAGE = re.compile(r"(?<![\w/])(docs/(?:\w+/)*[\w-]+\.md(?:#[\w-]+)?)")
BLOCK = re.compile(r"^ *```.*?^ *```$", re.M | re.S)
SETTING = re.compile(r"\b(?:SLOTLINE|GPU|MODEL|PARALLEL|CELERY)_[A-Z0-9_]+\b")
COMMAND = re.compile(r"(?:^|[`\s])slotline ((?:[a-z]+(?:\\?\|[a-z]+)*)(?: [^`\n|#]*)?)")
MAKE = re.compile(r"(?:^|`)make ([a-z][a-z-]*)", re.M)
KEY = re.compile(r"`(slotline:[a-z]+)[:`]")
OTHERS_SETTINGS = {"CELERY_APP"}
NOT_SLOTLINES = {"is", "and", "installed"}
"""Words that follow «slotline» in a sentence and are no commands."""


def lines(page: Path) -> Iterator[tuple[int, str]]:
    """The page's lines with their numbers."""
    return enumerate(page.read_text(encoding="utf-8").splitlines(), 1)


def code(line: str) -> str:
    """What of a line of prose stands between backticks."""
    return " ".join(f"`{found}`" for found in re.findall(r"`([^`]+)`", line))


def code_lines(page: Path) -> Iterator[tuple[int, str]]:
    """Lines of code blocks, and what stands between backticks in the others."""
    in_block = False
    for number, line in lines(page):
        if line.lstrip().startswith("```"):
            in_block = not in_block
            continue
        yield number, line if in_block or line.startswith("    ") else code(line)


def names_in(path: Path) -> set[str]:
    """Every name that a file defines or binds."""
    text = path.read_text(encoding="utf-8")
    return set(re.findall(r"\b(?:def|class)\s+(\w+)", text)) | set(re.findall(r"^\s*(\w+)\s*[:=]", text, re.M))


def without_blocks(page: Path) -> str:
    """A page with its blocks of code emptied; its lines keep their numbers."""
    return BLOCK.sub(lambda found: "\n" * found[0].count("\n"), page.read_text(encoding="utf-8"))


@cache
def anchors(page: Path) -> frozenset[str]:
    """The anchors of a page's headings, as GitHub makes them: the second of one name ends with -1."""
    found: Counter[str] = Counter()
    made = set()
    for title in re.findall(r"^#+ (.+)$", without_blocks(page), re.M):
        plain = re.sub(r"[^\w\- ]", "", LINK.sub(lambda link: link[1], title).lower()).replace(" ", "-")
        made.add(f"{plain}-{found[plain]}" if found[plain] else plain)
        found[plain] += 1
    return frozenset(made)


def ids(page: Path) -> str:
    """A page's name in a test's id."""
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_path_exists_and_holds_the_names_that_are_given_with_it(page: Path) -> None:
    wrong = []
    for number, line in code_lines(page):
        for found in PATH.finditer(line):
            path = ROOT / found[1].rstrip("/.")
            if not path.exists():
                wrong.append(f"{number}: {found[1]}")
                continue
            named = [one for name in (found["names"] or "").split(", ") if name for one in name.split(".")]
            if path.is_file() and path.suffix == ".py":
                wrong += [f"{number}: {found[1]} has no {name}" for name in named if name not in names_in(path)]
        scripts = {script.name for package in ("tasks", "workers") for script in (ROOT / package).rglob("lua/*.lua")}
        wrong += [f"{number}: {name}" for name in LUA.findall(line) if name not in scripts]
    assert not wrong, f"{ids(page)}: {'; '.join(wrong)}"


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_link_leads_somewhere(page: Path) -> None:
    """Also a link whose words go over two lines."""
    text = without_blocks(page)
    wrong = []
    for found in LINK.finditer(text):
        if "://" not in found[2] and not leads_somewhere(page, found[2]):
            wrong.append(f"{text.count(chr(10), 0, found.start()) + 1}: {found[2]}")
    assert not wrong, f"{ids(page)}: {'; '.join(wrong)}"


def leads_somewhere(page: Path, target: str) -> bool:
    """Whether a link on a page names a file that exists, and a heading of it."""
    path, _, anchor = target.partition("#")
    there = (page.parent / path).resolve() if path else page
    return there.exists() and (not anchor or anchor in anchors(there))


def test_every_page_that_the_code_names_exists() -> None:
    """In comments, docstrings and messages: `docs/stores.md`, or with a heading behind `#`."""
    tops = ("tasks", "workers", "producer", "tests", "benchmarks", "examples")
    texts = [path for top in tops for path in (ROOT / top).rglob("*") if path.suffix in (".py", ".lua", ".toml")]
    texts += [ROOT / name for name in ("Makefile", "models.toml", "docker-compose.yml", "Dockerfile", "pyproject.toml")]
    wrong = [
        f"{ids(path)}: {target}"
        for path in texts
        for target in PAGE.findall(path.read_text(encoding="utf-8"))
        if not leads_somewhere(ROOT / "README.md", target)
    ]
    assert not wrong


def test_every_setting_exists() -> None:
    known = {str(field.alias) for field in Settings.model_fields.values()} | set(SECOND_NAMES.values())
    wrong = [
        f"{ids(page)}:{number}: {name}"
        for page in PAGES
        for number, line in lines(page)
        for name in SETTING.findall(line)
        if name not in known | OTHERS_SETTINGS and not name.endswith("_")
    ]
    assert not wrong


def command_of(words: list[str]) -> tuple[click.Command | None, list[str]]:
    """The command that a line of words calls, and the rest of the words."""
    group, rest = slotline, list(words)
    while rest:
        found = group.get_command(click.Context(group), rest[0]) if isinstance(group, click.Group) else None
        if found is None:
            break
        group, rest = found, rest[1:]  # type: ignore[assignment]
    return (None if group is slotline else group), rest


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_slotline_command_and_its_options_exist(page: Path) -> None:
    wrong = []
    for number, line in code_lines(page):
        for found in COMMAND.finditer(line):
            first, *rest = re.split(r"\s+", found[1].strip().replace("\\", ""))
            for name in first.split("|"):
                command, _ = command_of([name, *rest])
                if command is None:
                    wrong.append(f"{number}: slotline {name}") if name not in NOT_SLOTLINES else None
                    continue
                known = {option for parameter in command.params for option in (*parameter.opts, "--help")}
                given = re.findall(r"(?<![\w-])--?[a-z][a-z-]*", " ".join(rest))
                wrong += [f"{number}: slotline {name} {option}" for option in given if option not in known]
    assert not wrong, f"{ids(page)}: {'; '.join(wrong)}"


def test_every_make_target_exists() -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    wrong = [
        f"{ids(page)}:{number}: make {name}"
        for page in PAGES
        for number, line in code_lines(page)
        for name in MAKE.findall(line)
        if name not in targets
    ]
    assert not wrong


def test_every_redis_key_exists() -> None:
    known = set(re.findall(r'(?:PREFIX\s*\+\s*"|\{PREFIX\})([a-z]+)', Path(keys.__file__).read_text(encoding="utf-8")))
    wrong = [
        f"{ids(page)}:{number}: {name}"
        for page in PAGES
        for number, line in lines(page)
        for name in KEY.findall(line)
        if name.removeprefix("slotline:") not in known
    ]
    assert not wrong


def test_the_index_names_every_page_of_the_docs() -> None:
    index = ROOT / "docs" / "index.md"
    linked = {(index.parent / target.partition("#")[0]).resolve() for _, target in LINK.findall(index.read_text())}
    missing = [ids(page) for page in (ROOT / "docs").rglob("*.md") if page != index and page.resolve() not in linked]
    assert not missing


def test_the_tree_in_the_architecture_is_the_tree() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    drawn = set(re.findall(r"^((?:tasks|workers|producer)/[\w/]*) ", page, re.M))
    there = {
        f"{folder.relative_to(ROOT)}/"
        for top in ("tasks", "workers", "producer")
        for folder in [ROOT / top, *(ROOT / top).rglob("*/")]
        if list(folder.glob("*.py")) and folder.parent.name != "adapters"
    }
    assert drawn == there
