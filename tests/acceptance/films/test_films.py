"""Films through real workers, asked for by any Celery client: of a sound, of the task before, of a text."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from typing import Any

import av
import numpy as np
import pytest
from celery import Celery, chain

from producer import Client
from producer.job import Job
from tasks.errors import ArtifactMissing, InvalidInput
from tasks.flow.payloads import fields_of_payload
from tasks.media.wav import encode_wav
from tasks.messages.lipsync import FPS
from tasks.retention.needed import needed
from tasks.store.names import name_of_bytes
from tests.fixtures.environment import UseCatalog
from tests.fixtures.waiting import GIVE_UP_S, WaitUntil
from tests.fixtures.workers import StartFlow, StartPair, StartSlot
from workers.adapters.rehearsal.film import Picture, mark_of, told

CATALOG = """
[models.faces]
adapter = "rehearsal"
gives = "film"
voices = ["anna", "bert"]
batch_size = 4

[models.aloud]
adapter = "rehearsal"
"""
RATE = 22_050
TEXT = "One paragraph.\n\nAnd another."


@pytest.fixture(autouse=True)
def models(use_catalog: UseCatalog) -> None:
    use_catalog(CATALOG)


@pytest.fixture
def celery(foreign: Celery) -> Celery:
    foreign.conf.task_default_queue = "flow"
    return foreign


def put_sound(client: Client, seconds: float, loud_from_s: float = 0.0) -> str:
    """A tone in the store that is loud from this second on."""
    at = np.arange(round(seconds * RATE)) / RATE
    samples = (0.5 * np.sin(2 * np.pi * 440 * at) * (at >= loud_from_s)).astype(np.float32)
    data = encode_wav(samples, RATE)
    return client.store.put_bytes(name_of_bytes("sound", "wav", data), data).name


@dataclass(frozen=True)
class Seen:
    """What each frame of a film tells, and when it is shown; the length of its sound, and from when on it is loud."""

    shown: list[Picture]
    times_s: list[float]
    sound_s: float
    loud_from_s: float


def seen(film: bytes) -> Seen:
    with av.open(io.BytesIO(film)) as source:
        frames = [(told(one.to_ndarray(format="bgr24")), float(one.time)) for one in source.decode(video=0)]
    with av.open(io.BytesIO(film)) as source:
        rate = source.streams.audio[0].rate
        pieces = list(source.decode(audio=0))
    samples = np.concatenate([one.to_ndarray()[0] for one in pieces])
    loud_from_s = float(pieces[0].time) + float(np.argmax(np.abs(samples) > 0.1)) / rate
    return Seen([one for one, _ in frames], [at for _, at in frames], len(samples) / rate, loud_from_s)


def check_film(client: Client, made: dict[str, Any], face: str, first_background: int = 0) -> Seen:
    """Every frame shows this face at its time, and sound and picture are of one length within a frame."""
    film = seen(client.store.read_bytes(made["film"]["artifact"]))
    assert [one.frame for one in film.shown] == list(range(made["frames"]))
    assert [one.background for one in film.shown] == list(range(first_background, first_background + made["frames"]))
    assert {one.face for one in film.shown} == {mark_of(face)}
    assert film.times_s == pytest.approx([number / FPS for number in range(made["frames"])])
    assert film.sound_s == pytest.approx(made["frames"] / FPS, abs=1 / FPS)
    return film


def test_a_sound_becomes_a_film_whose_mouth_moves_when_it_is_heard(
    start_pair: StartPair, celery: Celery, client: Client
) -> None:
    start_pair("faces")
    sound = put_sound(client, 21.3, loud_from_s=20.6)
    asked = {"audio": sound, "model": "faces", "face": "anna", "first_background": 7, "title": "A tone"}
    made = celery.send_task("lipsync.video", kwargs=asked).get(timeout=GIVE_UP_S)
    assert (made["frames"], made["stretches"], made["computed"], made["title"]) == (533, 22, 22, "A tone")
    film = check_film(client, made, "anna", first_background=7)
    assert film.loud_from_s == pytest.approx(20.6, abs=1 / FPS)
    moved_s = next(at for one, at in zip(film.shown, film.times_s, strict=True) if one.loudness)
    assert moved_s == pytest.approx(film.loud_from_s, abs=1 / FPS), "the mouth moves when the sound is heard"
    assert client.store.find(made["film"]["artifact"]).details["frames"] == 533  # type: ignore[union-attr]
    again = celery.send_task("lipsync.video", kwargs=asked).get(timeout=GIVE_UP_S)
    assert again == {**made, "computed": 0}
    shown_as = {"pictures": "jpg", "stretch_frames": 40}
    archived = celery.send_task("lipsync.video", kwargs={**asked, **shown_as}).get(timeout=GIVE_UP_S)
    assert (archived.get("film"), len(archived["archives"])) == (None, 14)
    with zipfile.ZipFile(io.BytesIO(client.store.read_bytes(archived["archives"][13]))) as archive:
        assert archive.namelist() == [f"frame_{number:06d}.jpg" for number in range(520, 533)]
    no_sound = client.store.put_text("This is no sound.")
    gone = f"sound/ab/{'ab' * 32}.mp3"
    for fields, error, said in (
        ({"audio": no_sound}, InvalidInput, "^audio: cannot be read as sound"),
        ({"audio": gone}, ArtifactMissing, f"^artifact {gone} is not in "),
    ):
        sent = celery.send_task("lipsync.video", kwargs={**asked, **fields})
        with pytest.raises(error, match=said):
            Job(client.connection, client.store, sent.id).wait(timeout_s=GIVE_UP_S)


def test_what_was_spoken_becomes_a_film_in_a_chain_and_a_text_becomes_one_in_one_job(
    start_pair: StartPair, start_slot: StartSlot, celery: Celery, client: Client
) -> None:
    start_pair("faces")
    start_slot("aloud", name="aloud")
    spoken = celery.signature("speech.chapter", kwargs={"model": "aloud", "text": TEXT, "title": "Two words"})
    film = celery.signature("lipsync.video", kwargs={"model": "faces", "face": "bert", "stretch_frames": 7})
    chained = chain(spoken, film, app=celery).apply_async().get(timeout=GIVE_UP_S)
    assert (chained["title"], chained["kind"]) == ("Two words", "video")
    check_film(client, chained, "bert")
    asked = {"text": TEXT, "speech": {"model": "aloud"}, "model": "faces", "face": "bert", "stretch_frames": 7}
    sent = celery.send_task("lipsync.video", kwargs=asked)
    made = sent.get(timeout=GIVE_UP_S)
    assert made["film"] == chained["film"], "the same sound, so the same film, and nothing is computed again"
    assert (made["computed"], made["title"]) == (0, "One paragraph. And another.")
    record = client.ledger.queries.record(sent.id)
    assert record is not None
    assert (record.total, record.kind, record.measure and record.measure.unit) == (2, "video", "frames of film")
    kinds = [client.ledger.queries.record(f"{sent.id}.{part}") for part in (1, 2)]
    assert [one and one.kind for one in kinds] == ["chapter", "video"]


def test_what_an_open_film_needs_is_kept_and_a_block_that_is_gone_all_the_same_is_written_again(
    start_flow: StartFlow, start_slot: StartSlot, celery: Celery, client: Client, wait_until: WaitUntil
) -> None:
    start_flow()
    sound = put_sound(client, 2.5)
    sent = celery.send_task("lipsync.video", kwargs={"audio": sound, "model": "faces", "face": "anna"})
    wait_until(lambda: client.ledger.queries.payloads(sent.id), what="the opening of the film")
    [block] = {name for one in client.ledger.queries.payloads(sent.id) for name in fields_of_payload(one)["sounds"]}
    assert {name.rpartition(".")[0].encode() for name in (block, sound)} <= needed(client.ledger)
    client.store.delete(block)
    start_slot("faces")
    made = sent.get(timeout=GIVE_UP_S)
    assert (made["frames"], made["computed"]) == (63, 3)
    check_film(client, made, "anna")
