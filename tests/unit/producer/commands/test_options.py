"""The options that several commands share."""

from __future__ import annotations

from pathlib import Path

import pytest

from producer.commands.options import DEFAULT_MODEL
from tasks.catalog import catalog


def test_the_default_model_is_in_the_catalog_that_comes_with_slotline(
    own_environment: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert DEFAULT_MODEL in catalog()
