"""What the Kokoro server did is done by a slot: load on demand, unload when idle, status, voices and languages.

On a small model that gives tones; its phonemes are real.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from tests.fixtures.environment import UseCatalog
from tests.fixtures.processes import StartProcess
from tests.fixtures.waiting import GIVE_UP_S, WaitUntil
from tests.fixtures.workers import StartWorker
from tests.unit.workers.adapters.kokoro import tiny_onnx

Model = Callable[..., str]


@pytest.fixture(autouse=True)
def folder(tiny_kokoro_folder: Path, tmp_path: Path, use_catalog: UseCatalog) -> Path:
    """The model, whose default voice speaks Spanish: its phonemes need no spaCy."""
    folder = shutil.copytree(tiny_kokoro_folder, tmp_path / "kokoro")
    for name in ("ef_dora", "em_alex"):
        tiny_onnx.write_voice(folder / "voices" / f"{name}.bin", 0.02)
    use_catalog(f'[models.kokoro]\nadapter = "kokoro"\npath = "{folder}"\nvoice = "ef_dora"\nthreads = 1\n')
    return folder


@pytest.fixture
def model(broker: str, start_process: StartProcess) -> Model:
    """`model(*words)`: what `slotline model …` prints."""

    def run(*words: str) -> str:
        process = start_process(sys.executable, "-m", "tasks.command", "model", *words)
        assert process.wait() == 0, process.log()
        return process.log()

    return run


def speak(celery: Celery, text: str, voice: str | None = None) -> Any:
    fields = {"text": text, "model": "kokoro", "voice": voice}
    return celery.send_task("speech.paragraph", kwargs=fields, queue="kokoro").get(timeout=GIVE_UP_S)


def test_a_slot_of_kokoro_loads_on_demand_unloads_when_idle_and_tells_voices_and_languages(
    start_worker: StartWorker, foreign: Celery, model: Model, wait_until: WaitUntil
) -> None:
    def told() -> dict[str, Any]:
        (row,) = json.loads(model("status", "kokoro", "--json"))["models"]
        found: dict[str, Any] = row
        return found

    worker = start_worker("--model", "kokoro", "--lazy")
    worker.wait_for_log("ready: kokoro")
    before = told()
    assert (before["state"], before["load_s"]) == ("unloaded", None)
    assert (before["timeout_s"], before["timeout_set_by"]) == (300.0, "adapter kokoro")
    assert speak(foreign, "La noche era fría.")["computed"]
    loaded = told()
    assert loaded["state"] == "ready"
    assert loaded["available_languages"] == ["a", "b", "e", "j"]
    assert loaded["languages"] == ["en-gb", "en-us", "es", "ja"]
    voices = json.loads(model("voices", "kokoro", "--language", "es", "--json"))["voices"]
    assert [(one["voice"], one["default"]) for one in voices] == [("ef_dora", True), ("em_alex", False)]
    assert "is being unloaded" in model("unload", "kokoro")
    worker.wait_for_log("unloaded: kokoro")
    wait_until(lambda: told()["state"] == "unloaded", 10, "the model to be gone")
    assert told()["voices"] == loaded["voices"], "what can be asked for is known all the same"
    assert speak(foreign, "El mar estaba en calma.", "ef_dora(2)+em_alex(1)")["computed"]
    assert told()["state"] == "ready"
