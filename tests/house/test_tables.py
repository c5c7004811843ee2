"""The tables of the docs list every setting, command, option, task, field and key of the catalog, and nothing else.

Each page's table is the only list of its kind, so a row that is missing is a setting that nobody finds. What the rows
say is prose, and not checked, but for the defaults of settings and keys that are numbers or words.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from pydantic.fields import FieldInfo

from tasks.catalog import DEFAULT_MAX_MODELS, OWN_KEYS, ModelEntry
from tasks.messages.base import ModelRequest
from tasks.messages.lookup import crafts, job_requests
from tasks.settings import SECOND_NAMES, Settings
from tasks.terminal.group import slotline

DOCS = Path(__file__).resolve().parents[2] / "docs"
CODE = re.compile(r"`([^`]+)`")
OF_DEVELOPERS = {"test-fast", "test", "test-all", "bench", "dev"}
OF_EVERY_TASK = {"model", "timeout_s"}
SET_ELSEWHERE = {"max_models": DEFAULT_MAX_MODELS, "background_cache_frames": 50}
"""Keys whose default is not the field's."""


def rows(page: str, first: str) -> Iterator[list[str]]:
    """The cells of the rows of a page whose first cell is code that matches `first`."""
    for line in (DOCS / page).read_text("utf-8").splitlines():
        if re.match(rf"\| `{first}", line):
            yield [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]


def fields() -> dict[str, FieldInfo]:
    """The settings' fields by their variables."""
    return {str(field.alias): field for field in Settings.model_fields.values() if field.alias}


def test_every_setting_has_one_row() -> None:
    listed = [CODE.findall(row[0])[0] for row in rows("settings.md", "[A-Z]")]
    assert sorted(listed) == sorted([*fields(), *SECOND_NAMES.values()])


def test_the_default_of_each_setting_is_the_one_that_is_written() -> None:
    wrong = []
    for row in rows("settings.md", "[A-Z]"):
        name = CODE.findall(row[0])[0]
        if name in fields() and not says(row[1], fields()[name].default):
            wrong.append(f"{name}: {row[1]}, is {fields()[name].default!r}")
    assert not wrong


def says(cell: str, default: Any) -> bool:
    """Whether a cell says this default: that of a number, a flag and a word must be it."""
    match default:
        case bool():
            return cell == str(default).lower()
        case int() | float():
            return re.fullmatch(r"[\d.]+", cell) is not None and float(cell) == default
        case str() if default:
            return cell.strip("`") == default or f"`{default}`" in cell
        case None:
            return not re.fullmatch(r"[\d.]+", cell)
    return True


def commands(command: click.Command = slotline, path: str = "slotline") -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, with its words."""
    if not isinstance(command, click.Group):
        yield path, command
        return
    for name in command.list_commands(click.Context(command)):
        found = command.get_command(click.Context(command), name)
        assert found is not None
        yield from commands(found, f"{path} {name}")


def words(cell: str) -> str:
    """The words of a command in a cell, without its arguments."""
    return " ".join(re.findall(r"^`(slotline(?: [a-z]+)+)", cell))


def test_every_command_has_one_row() -> None:
    listed = [words(row[0]) for row in rows("commands.md", "slotline ")]
    assert sorted(listed) == sorted(path for path, _ in commands())


@pytest.mark.parametrize(("path", "command"), [pytest.param(*one, id=one[0]) for one in commands()])
def test_each_commands_row_lists_its_options(path: str, command: click.Command) -> None:
    row = next(row for row in rows("commands.md", "slotline ") if words(row[0]) == path)
    options = [one for one in command.params if isinstance(one, click.Option) and not one.hidden]
    named = {re.split(r"[ \[]", option)[0] for option in CODE.findall(row[1])}
    assert named == {name for option in options for name in option.opts}, f"docs/commands.md: {path}"


def requests() -> dict[str, type[ModelRequest]]:
    """The request of every task by the task's name."""
    return {**job_requests(), **{str(craft.request.task): craft.request for craft in crafts().values()}}


def test_every_task_has_one_row() -> None:
    listed = [CODE.findall(row[0])[0] for row in rows("tasks.md", r"[a-z]+\.[a-z]+`")]
    assert sorted(listed) == sorted(requests())


@pytest.mark.parametrize("task", sorted(requests()))
def test_each_tasks_row_lists_its_fields_and_its_queue(task: str) -> None:
    row = next(row for row in rows("tasks.md", re.escape(task) + "`"))
    assert set(CODE.findall(row[2])) == set(requests()[task].model_fields) - OF_EVERY_TASK, f"docs/tasks.md: {task}"
    assert (row[1] == "`flow`") == (task in job_requests())


def test_every_extra_that_a_user_may_want_has_a_row() -> None:
    project = tomllib.loads((DOCS.parent / "pyproject.toml").read_text("utf-8"))["project"]
    listed = [name for row in rows("install.md", r"[a-z-]+`.*\|.*\|.*\|") for name in CODE.findall(row[0])]
    tables = [name for name in listed if not name.startswith("make")]
    assert sorted(tables) == sorted(set(project["optional-dependencies"]) - OF_DEVELOPERS)


def test_every_key_of_the_catalog_has_one_row_with_its_default() -> None:
    found = {name: row for row in rows("catalog.md", "[a-z_]+`") for name in CODE.findall(row[0])}
    keys = {name: row for name, row in found.items() if len(row) == 3}
    assert set(keys) >= OWN_KEYS
    for name in OWN_KEYS:
        field = ModelEntry.model_fields[name]
        if not field.is_required():
            assert says(keys[name][1], SET_ELSEWHERE.get(name, field.default)), f"docs/catalog.md: {name}"
