"""Where an adapter's code lies, and what its import costs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.errors import CatalogError
from workers.adapters.espeak import Espeak
from workers.conformance.home import home_of, imported


def test_the_home_of_a_package_is_its_folder() -> None:
    home = home_of(Espeak)
    assert home is not None
    assert (home / "__init__.py").samefile(Path("workers/adapters/espeak/__init__.py"))


def test_a_class_without_a_file_has_no_home() -> None:
    assert home_of(type("Made", (), {"__module__": "builtins"})) is None


def test_an_import_is_measured_and_one_that_cannot_be_is_an_error() -> None:
    found = imported("rehearsal")
    assert found.place == "workers.adapters.rehearsal:Rehearsal"
    assert not found.heavy
    with pytest.raises(CatalogError, match="there is no adapter 'none'"):
        imported("none")
