"""Which adapter a name means: built in, of another package, or nobody's."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tasks.catalog import parse
from tasks.errors import CatalogError
from workers.adapters import adapter_of, find
from workers.adapters.rehearsal import Rehearsal


@pytest.fixture
def another_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed package that brings adapters of its own."""
    (tmp_path / "their_adapters.py").write_text(
        "from workers.adapters.rehearsal import Rehearsal\nclass Quiet(Rehearsal):\n    version = '1'\n"
        "class Stranger:\n    pass\n"
        "from workers.adapters.inference import InferenceAdapter\n"
        "class Unfinished(InferenceAdapter):\n    def run(self, batch):\n        return batch\n"
        "class Nameless(Unfinished):\n    def load(self):\n        pass\n    def unload(self):\n        pass\n"
        "class Wrong(Nameless):\n    version = '1'\n    input_model = {'n': int}\n"
        "class Optional(Nameless):\n    version = '1'\n    options_model = dict\n"
    )
    metadata = tmp_path / "their_adapters-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: their-adapters\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[slotline.adapters]\nquiet = their_adapters:Quiet\nstranger = their_adapters:Stranger\n"
        "unfinished = their_adapters:Unfinished\nnameless = their_adapters:Nameless\nwrong = their_adapters:Wrong\n"
        "optional = their_adapters:Optional\n"
        "gone = their_missing_module:Gone\nespeak = their_adapters:Quiet\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "their_adapters", raising=False)


def test_a_built_in_name_gives_its_class() -> None:
    assert find("rehearsal") is Rehearsal


@pytest.mark.usefixtures("another_package")
def test_an_adapter_of_another_package_is_found_by_its_entry_point() -> None:
    found = find("quiet")
    assert found.__module__ == "their_adapters"
    assert issubclass(found, Rehearsal)


@pytest.mark.usefixtures("another_package")
def test_a_built_in_name_cannot_be_taken_over() -> None:
    assert find("espeak").__module__ == "workers.adapters.espeak"


@pytest.mark.usefixtures("another_package")
def test_an_entry_point_that_is_no_adapter_or_cannot_be_imported_is_refused() -> None:
    with pytest.raises(CatalogError, match=r"'stranger' \(their_adapters:Stranger\) is not a subclass of"):
        find("stranger")
    with pytest.raises(CatalogError, match=r"'gone' .* cannot be imported: .*their_missing_module"):
        find("gone")


@pytest.mark.usefixtures("another_package")
def test_what_an_adapter_lacks_is_named() -> None:
    with pytest.raises(CatalogError, match=r"'unfinished' \(their_adapters:Unfinished\) has no `load`, `unload`$"):
        find("unfinished")
    with pytest.raises(CatalogError, match="has no `version`, a text that is part of artifacts' names$"):
        find("nameless")
    with pytest.raises(CatalogError, match="has an `input_model` that is no class of pydantic's BaseModel$"):
        find("wrong")
    with pytest.raises(CatalogError, match="has an `options_model` that is no subclass of Options$"):
        find("optional")


def test_an_unknown_name_is_refused_with_the_nearest_or_all_known() -> None:
    with pytest.raises(CatalogError, match="did you mean 'espeak'"):
        find("espeek")
    with pytest.raises(CatalogError, match=r"there are: .*espeak.*rehearsal"):
        find("zzz")


def test_the_refusal_names_the_line_of_the_catalog() -> None:
    entry = parse('\n[models.a]\nadapter = "espeek"\n', "models.toml", Path())["a"]
    with pytest.raises(CatalogError, match=r"^models\.toml line 2: \[models\.a\] adapter: .*'espeek'"):
        adapter_of(entry, "cpu")
