"""A slot of many small models tells which there are, so that a wrong one is refused before anything is sent."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import redis

from producer import Client
from tasks.errors import InvalidInput, UnknownVoice
from tasks.redis import keys
from tests.fixtures.environment import UseCatalog
from tests.fixtures.waiting import GIVE_UP_S, WaitUntil
from tests.fixtures.workers import StartWorker
from workers.duties.readiness import VOICES_KEPT_S

CATALOG = """
[models.voices]
adapter = "rehearsal"
path = "voices/{id}"
faults = true

[models.foreign]
adapter = "not-here"
path = "voices/{id}"
"""


@pytest.fixture
def folder(use_catalog: UseCatalog, tmp_path: Path) -> Path:
    use_catalog(CATALOG)
    for name in ("anna", "bert"):
        (tmp_path / "voices" / name).mkdir(parents=True)
    return tmp_path / "voices"


@pytest.mark.parametrize("options", [[], ["--lazy"]])
def test_its_voices_are_known_as_soon_as_it_is_ready_and_followed_as_they_come(
    options: list[str],
    folder: Path,
    broker: str,
    start_worker: StartWorker,
    redis_client: redis.Redis,
    wait_until: WaitUntil,
) -> None:
    start_worker("--model", "voices", *options).wait_for_log("ready: voices")
    client = Client()
    offer = client.offer("voices")
    assert offer is not None
    assert (sorted(offer.voices), offer.sample_rate, offer.default_voice) == (["anna", "bert"], None, None)
    assert 0 < int(str(redis_client.pttl(keys.offer("voices")))) <= VOICES_KEPT_S * 1000
    with pytest.raises(UnknownVoice, match="^voice: voices has no voice 'carl'; it has anna, bert"):
        client.submit_chapter("One.", model="voices", voice="carl")
    with pytest.raises(InvalidInput, match="^voice: missing; 'voices' has a model for each voice"):
        client.submit_chapter("One.", model="voices")
    with pytest.raises(UnknownVoice, match="^input 2: voice: voices has no voice 'carl'"):
        client.map("voices", ["One.", {"text": "Two.", "voice": "carl"}], voice="anna")
    assert redis_client.llen("flow") == 0
    assert client.submit_paragraph("One.", model="voices", voice="bert").wait(GIVE_UP_S).computed
    (folder / "carl").mkdir()
    wait_until(lambda: "carl" in json.loads(str(redis_client.get(keys.offer("voices"))))["voices"], 20, "the new voice")
    assert client.submit_paragraph("One.", model="voices", voice="carl").wait(GIVE_UP_S).computed


def test_a_folder_that_is_gone_ends_the_worker_and_fails_no_request(
    folder: Path, broker: str, start_worker: StartWorker, redis_client: redis.Redis
) -> None:
    worker = start_worker("--model", "voices", env={"SLOTLINE_LOAD_ATTEMPTS": "1"})
    worker.wait_for_log("ready: voices")
    folder.rename(folder.with_name("elsewhere"))
    job = Client().submit_paragraph("One.", model="voices", voice="anna")
    assert worker.wait(30) == 1
    assert re.search(r"CRITICAL .* cannot load it \(tried 1 time\): .* path: there is no folder", worker.log())
    assert redis_client.llen("voices") == 1
    folder.with_name("elsewhere").rename(folder)
    start_worker("--model", "voices")
    assert job.wait(30).computed


def test_a_slot_that_can_load_none_of_its_models_stops_taking_work(
    folder: Path, broker: str, start_worker: StartWorker, redis_client: redis.Redis, wait_until: WaitUntil
) -> None:
    names = [f"voice{number}" for number in range(40)]
    for name in names:
        (folder / name).mkdir()
        (folder / name / "fault").write_text("⚡error")
    worker = start_worker("--model", "voices")
    worker.wait_for_log("ready: voices")
    for number in range(8):
        Client().submit_paragraph(f"Text {number}.", model="voices", voice="voice0")
    good = Client().submit_paragraph("One.", model="voices", voice="anna")
    assert good.wait(20).computed, "one bad voice is not all of them"
    ids = [Client().submit_paragraph("One.", model="voices", voice=name).id for name in names]
    worker.wait_for_log("after it was loaded again; no more messages are taken until this worker is restarted", 30)

    def waiting() -> int:
        return int(redis_client.llen("voices"))

    def ended() -> int:
        return sum('"FAILURE"' in str(redis_client.get(keys.RESULT_PREFIX + one)) for one in ids)

    wait_until(lambda: waiting() and waiting() + ended() == len(ids), 10, "what was not begun to be back in its queue")


def test_without_any_worker_a_missing_voice_and_a_model_that_speaks_are_refused_all_the_same(
    folder: Path, broker: str, redis_client: redis.Redis
) -> None:
    client = Client()
    with pytest.raises(InvalidInput, match="^voice: missing; 'voices' has a model for each voice"):
        client.submit_chapter("One.", model="voices")
    with pytest.raises(InvalidInput, match="^model: 'voices' does not write .its adapter is rehearsal"):
        client.submit_summary("One.", model="voices")
    assert redis_client.llen("flow") == 0
    client.submit_summary("One.", model="foreign")
    assert redis_client.llen("flow") == 1, "what is not known here is for the worker to say"
