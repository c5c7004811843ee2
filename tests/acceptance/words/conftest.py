"""The real Kokoro, loaded once for the tests of a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.words.speaker import Speaker


@pytest.fixture(scope="module")
def speaker(kokoro_folder: Path) -> Iterator[Speaker]:
    """The int8 model by ONNX Runtime."""
    yield from _loaded(Speaker(kokoro_folder))


@pytest.fixture(scope="module")
def torch_speaker(kokoro_torch_folder: Path) -> Iterator[Speaker]:
    """The same weights by torch: it tells the times of words."""
    yield from _loaded(Speaker(kokoro_torch_folder, engine="torch"))


def _loaded(speaker: Speaker) -> Iterator[Speaker]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")  # as a load sets it; undone after the tests
        speaker.load()
        yield speaker
        speaker.unload()
