"""`slotline model` on real workers, and a slot of many small models behind it."""

from __future__ import annotations

import json
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from tasks.errors import InvalidInput
from tests.fixtures.environment import UseCatalog
from tests.fixtures.processes import StartProcess
from tests.fixtures.waiting import GIVE_UP_S
from tests.fixtures.workers import StartWorker
from tests.unit.tasks.test_health import FLOW, SLOT
from workers.commands.model import choose
from workers.duties.remote_control import wrong_timeout

CATALOG = """
[models.quick]
adapter = "rehearsal"
voices = ["an", "ba"]

[models.voices]
adapter = "rehearsal"
path = "voices/{id}"
faults = true
pretended_bytes = 1_000_000
max_models = 2
idle_timeout_minutes = 0.02
"""

Model = Callable[..., tuple[int, str]]


@pytest.fixture(autouse=True)
def voices(use_catalog: UseCatalog, tmp_path: Path) -> Path:
    use_catalog(CATALOG)
    for name in ("anna", "bert", "carl"):
        (tmp_path / "voices" / name).mkdir(parents=True)
    return tmp_path / "voices"


@pytest.fixture
def model(broker: str, start_process: StartProcess) -> Model:
    """`model(*words)`: the exit status of `slotline model …`, and what it printed."""

    def run(*words: str) -> tuple[int, str]:
        process = start_process(sys.executable, "-m", "tasks.command", "model", *words)
        return process.wait(), process.log()

    return run


def speak(client: Celery, model: str, text: str, voice: str | None) -> Any:
    fields = {"text": text, "model": model, "voice": voice}
    return client.send_task("speech.paragraph", kwargs=fields, queue=model)


def test_a_model_or_a_slot_is_chosen_and_an_unknown_one_named() -> None:
    assert choose([SLOT, FLOW], None) == ["espeak-cpu-0@here"]
    for target in ("espeak", "espeak-cpu-0", "espeak-cpu-0@here"):
        assert choose([SLOT, FLOW], target) == ["espeak-cpu-0@here"]
    with pytest.raises(InvalidInput, match="is the slot, 'bart'; there are: espeak-cpu-0 "):
        choose([SLOT, FLOW], "bart")
    with pytest.raises(InvalidInput, match="no slot worker lives"):
        choose([FLOW], None)


@pytest.mark.parametrize("seconds", [1, 59.9, -60, "60", None, True, float("inf"), float("nan")])
def test_a_time_out_that_would_load_for_ever_is_refused(seconds: object) -> None:
    assert "neither 0 (never unload) nor 60 seconds or more" in wrong_timeout(seconds)
    assert [wrong_timeout(good) for good in (0, 60, 3600.0)] == ["", "", ""]


def test_the_command_shows_unloads_and_sets_and_lists_who_is_silent(
    start_worker: StartWorker, model: Model, client: Celery
) -> None:
    worker = start_worker("--model", "quick", "-n", "here")
    worker.wait_for_log("ready: quick")
    assert speak(client, "quick", "one", "an").get(timeout=GIVE_UP_S)["computed"]
    status, printed = model("status", "--json")
    (told,) = json.loads(printed)["models"]
    assert status == 0
    assert told["worker"] == "quick-cpu-0@here"
    assert (told["state"], told["jobs"], told["timeout_s"], told["voices"]) == ("ready", 1, 0.0, ["an", "ba"])
    assert told["stats"] == {"prepared": 1}, "what is counted in the process beside the model's"
    assert told["reserved_bytes"] >= told["allocated_bytes"] > 1_000_000
    assert model("timeout", "quick", "90") == (0, "quick-cpu-0: quick is unloaded when idle for 90 s\n")
    assert model("timeout", "30")[0] == 2
    assert model("unload", "nobody")[0] == 2
    assert model("unload") == (0, "quick-cpu-0: quick is being unloaded\n")
    worker.wait_for_log("unloaded: quick")
    status, printed = model("status", "quick-cpu-0")
    assert re.search(r"quick-cpu-0 +quick +cpu +unloaded .* 90 s", printed), printed
    worker.signal(signal.SIGSTOP)
    status, printed = model("status")
    assert status == 1
    assert "quick-cpu-0: no answer within 3 s" in printed
    worker.signal(signal.SIGCONT)


def test_many_voices_share_a_slot_within_their_bounds_and_are_told_one_by_one(
    start_worker: StartWorker, model: Model, client: Celery
) -> None:
    worker = start_worker("--model", "voices")
    worker.wait_for_log("ready: voices")
    names = ["anna", "bert", "anna", "carl"]
    results = [speak(client, "voices", f"text {number}", name) for number, name in enumerate(names)]
    assert all(result.get(timeout=GIVE_UP_S)["computed"] for result in results)
    for name, said in [
        ("berta", "it has bert"),
        (None, "has a model for each voice"),
        ("../x", "is not a voice"),
    ]:
        with pytest.raises(Exception, match=said):
            speak(client, "voices", "text", name).get(timeout=GIVE_UP_S)
    worker.wait_for_log("carl was idle for 1.2 s")
    status, printed = model("status", "--json")
    (told,) = json.loads(printed)["models"]
    registry = told["registry"]
    assert status == 0
    assert (told["state"], told["voices"]) == ("ready", ["anna", "bert", "carl"])
    assert (registry["misses"] >= 3, registry["evictions"] >= 0, registry["models"]) == (True, True, [])
    assert worker.returncode is None


def test_a_voice_whose_load_kills_the_process_costs_its_own_inputs_alone(
    start_worker: StartWorker, client: Celery, voices: Path
) -> None:
    (voices / "bert" / "fault").write_text("⚡killed")
    worker = start_worker("--model", "voices", env={"SLOTLINE_RETRY_S": "0.1"})
    worker.wait_for_log("ready: voices")
    poison, sound = speak(client, "voices", "one", "bert"), speak(client, "voices", "two", "anna")
    assert sound.get(timeout=GIVE_UP_S)["computed"]
    with pytest.raises(Exception, match="bert: loading it ended this slot's process 3 times"):
        poison.get(timeout=GIVE_UP_S)
    assert worker.returncode is None
