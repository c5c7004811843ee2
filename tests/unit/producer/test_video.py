"""What is sent for a film, and which sound is stored for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import redis

from producer import Client
from tasks.errors import IdInUse, InvalidInput, UnknownModel
from tasks.media.wav import encode_wav
from tasks.messages import Audio
from tests.fixtures.environment import UseCatalog
from tests.unit.producer.messages import sent

WAV = encode_wav(np.zeros(800, np.float32), 16_000)

CATALOG = """
[models.faces]
adapter = "rehearsal"
gives = "film"

[models.quick]
adapter = "rehearsal"
"""


@pytest.fixture
def client(broker: str, use_catalog: UseCatalog) -> Client:
    use_catalog(CATALOG)
    return Client()


def stored(client: Client) -> list[Path]:
    return [path for path in Path(client.store.place).rglob("*") if path.is_file() and not path.name.startswith(".")]


def test_a_file_is_stored_unchanged_and_the_job_names_it(
    client: Client, redis_client: redis.Redis, tmp_path: Path
) -> None:
    (tmp_path / "Talk.WAV").write_bytes(WAV)
    job = client.submit_video(tmp_path / "Talk.WAV", model="faces", face="anna", title="Talk")
    [(task, fields)] = sent(redis_client, "flow")
    assert task == "lipsync.video"
    assert (fields["face"], fields["title"]) == ("anna", "Talk")
    assert fields["audio"].endswith(".wav")
    assert client.store.read_bytes(fields["audio"]) == WAV
    client.submit_video(tmp_path / "Talk.WAV", model="faces", face="anna", title="Talk", job_id=job.id)
    assert len(sent(redis_client, "flow")) == 1
    with pytest.raises(IdInUse):
        client.submit_video(b"another", model="faces", face="anna", job_id=job.id)


def test_a_sound_may_be_bytes_or_what_is_in_the_store_already(client: Client, redis_client: redis.Redis) -> None:
    client.submit_video(b"sound", model="faces")
    client.submit_video("chapter/ab/abc.wav", model="faces")
    client.submit_video(Audio(artifact="speech/ab/abc.wav", sample_rate=8000, frames=9, bytes=62), model="faces")
    first, *others = [fields["audio"] for _, fields in sent(redis_client, "flow")]
    assert client.store.read_bytes(first) == b"sound"
    assert others == ["chapter/ab/abc.wav", "speech/ab/abc.wav"]


def test_a_text_is_sent_with_its_speaker_and_a_long_one_by_reference(client: Client, redis_client: redis.Redis) -> None:
    speech = {"model": "quick", "voice": "anna"}
    client.submit_video(text="Some words.", speech=speech, model="faces")
    client.submit_video(text="Many words. " * 2000, speech=speech, model="faces")
    [(_, short), (_, long)] = sent(redis_client, "flow")
    assert short["text"] == "Some words."
    assert {name: short["speech"][name] for name in speech} == speech
    assert client.store.read_text(long["text_ref"]).startswith("Many words.")
    assert "text" not in long


@pytest.mark.parametrize(
    ("sound", "options", "words"),
    [
        (b"sound", {"model": "quick"}, "^model: 'quick' shows no face"),
        (b"", {"model": "faces"}, "^sound: has no bytes"),
        ("talk.mp3", {"model": "faces"}, "^sound: 'talk.mp3' is not the name of an artifact; give a file as pathlib.P"),
        (Path("none.mp3"), {"model": "faces"}, "^none.mp3: no such file"),
        (None, {"model": "faces"}, "^audio: give it, or text, or text_ref, and only one of them"),
        (b"sound", {"model": "faces", "fase": "anna"}, "^fase: there is no such field"),
        (None, {"model": "faces", "text": "Hi.", "speech": {"model": "faces"}}, "^speech: model: 'faces' does not sp"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_sent_or_stored(
    client: Client, redis_client: redis.Redis, sound: Any, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(InvalidInput, match=words):
        client.submit_video(sound, **options)
    assert sent(redis_client, "flow") == []
    assert stored(client) == []


def test_an_unknown_speaker_is_refused_as_such(client: Client) -> None:
    with pytest.raises(UnknownModel, match="^speech: .*did you mean 'quick'"):
        client.submit_video(text="Hi.", speech={"model": "qick"}, model="faces")
