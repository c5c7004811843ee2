"""What lies in a folder is found, and what another package's entry point names, after it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks import plugins
from tasks.messages import ParagraphResult, Result
from tasks.messages.craft import Craft
from tasks.plugins import KINDS, MESSAGES, Place


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A package that brings messages, and names a module that it lacks."""
    (tmp_path / "theirs.py").write_text(
        "from tasks.messages import Result\nclass Theirs(Result):\n    kind: str = 'x'\n"
    )
    metadata = tmp_path / "theirs-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[slotline.messages]\na = theirs\n[slotline.gone]\nb = theirs_gone\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    for cached in (plugins.module_names, plugins.modules):
        cached.cache_clear()
    yield
    for cached in (plugins.module_names, plugins.modules):
        cached.cache_clear()
    sys.modules.pop("theirs", None)


def test_the_kinds_are_the_modules_of_their_folder() -> None:
    assert {"tasks.kinds.map", "tasks.kinds.speech", "tasks.kinds.summary"} <= set(plugins.module_names(KINDS))


def test_an_instance_is_found_once_however_many_modules_hold_it() -> None:
    found = [one.name for one in plugins.instances(MESSAGES, Craft)]
    assert sorted(found) == sorted(set(found))


@pytest.mark.usefixtures("installed")
def test_another_packages_classes_come_after_slotlines_own() -> None:
    names = [found.__name__ for found in plugins.classes(MESSAGES, Result)]
    assert names[-1] == "Theirs"
    assert ParagraphResult.__name__ in names


@pytest.mark.usefixtures("installed")
def test_another_packages_module_that_cannot_be_imported_is_named_and_costs_no_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    found = plugins.modules(Place("tasks.messages", "slotline.gone"))
    assert "tasks.messages.speech" in [module.__name__ for module in found]
    assert "theirs_gone (slotline.gone) cannot be imported and is left out: ModuleNotFoundError" in caplog.text
