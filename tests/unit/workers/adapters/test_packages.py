"""Which packages an adapter lacks, found without importing them."""

from __future__ import annotations

import sys

import pytest

from tasks.errors import MissingExtra
from workers.adapters import packages


def test_packages_that_lack_are_named_with_the_command_and_none_is_imported() -> None:
    packages.require(("json", "this"), "here", "pip install it")
    assert "this" not in sys.modules
    with pytest.raises(MissingExtra, match=r"^here no_such, nor_this are not installed; run: pip install it$"):
        packages.require(("json", "no_such", "nor_this"), "here", "pip install it")
    with pytest.raises(MissingExtra, match=r"^here no_such is not installed"):
        packages.require(("no_such",), "here", "pip install it")


def test_what_an_adapter_put_in_the_place_of_a_module_counts_as_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vinorm", type(sys)("vinorm"))
    assert packages.missing(["vinorm"]) == []
