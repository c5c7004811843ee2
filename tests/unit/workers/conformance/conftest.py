"""The adapters of these tests, installed."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.workers.conformance.checked import install, own_adapters


@pytest.fixture
def installed(tmp_path: Path, own_environment: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of sys.path, here and in processes that are started, with the adapters of `broken.py`."""
    folder = tmp_path / "installed"
    folder.mkdir()
    install(folder, own_adapters())
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH", "")])))
    gc.freeze()  # the check collects garbage often, and a run of pytest has much to look through
    yield folder
    gc.unfreeze()
