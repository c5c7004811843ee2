"""The small models that the adapters' tests load: real formats, random weights, built once a run where asked for."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.unit.workers.adapters import tiny_bart, tiny_viettts

NEEDS = {"viettts": ("viettts", "onnx", "onnxruntime"), "bart": ("transformers", "torch")}
"""What is not installed by the base extras; `make test` installs all of it."""


def lacking(adapter: str) -> str:
    """The packages that the adapter's tests need and this environment lacks, in words; empty when there are none."""
    missing = [name for name in NEEDS.get(adapter, ()) if find_spec(name) is None]
    return f"{', '.join(missing)} not installed; make test installs them" if missing else ""


@pytest.fixture(scope="session")
def viettts_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A VietTTS model whose speech is of exact length; read only."""
    if reason := lacking("viettts"):
        pytest.skip(reason)
    return tiny_viettts.build(tmp_path_factory.mktemp("viettts"))


@pytest.fixture(scope="session")
def bart_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BART that reads and writes 128 tokens; read only."""
    if reason := lacking("bart"):
        pytest.skip(reason)
    return tiny_bart.build(tmp_path_factory.mktemp("bart"))
