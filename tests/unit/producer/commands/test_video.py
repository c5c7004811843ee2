"""`slotline video` without workers: what it sends, and what it refuses before. With workers: tests/acceptance/films."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import redis

from producer import Client
from tasks.media.wav import encode_wav
from tests.fixtures.commands import Said, Slotline
from tests.fixtures.environment import UseCatalog
from tests.unit.producer.messages import sent

CATALOG = """
[models.faces]
adapter = "rehearsal"
gives = "film"

[models.quick]
adapter = "rehearsal"
voices = ["anna", "bert"]
"""
WAV = encode_wav(np.zeros(1600, np.float32), 16_000)


@pytest.fixture(autouse=True)
def interrupted(broker: str, use_catalog: UseCatalog, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder with a sound, and Ctrl-C instead of a wait."""
    use_catalog(CATALOG)
    monkeypatch.chdir(tmp_path)
    for name in ("talk.wav", "talk.mp4"):
        Path(name).write_bytes(WAV)

    def looks(*args: object, **options: object) -> Iterator[object]:
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr("producer.commands.video.looks", looks)


@pytest.fixture
def video(slotline: Slotline) -> Any:
    def run(*arguments: str) -> Said:
        return slotline("video", *arguments)

    return run


def test_a_sound_is_sent_with_its_title_and_the_only_model_that_shows_faces(
    video: Any, redis_client: redis.Redis
) -> None:
    said = video("talk.wav", "--face", "anna", "-o", "film.mp4", "--first-background", "7")
    assert said.status == 130
    [(task, fields)] = sent(redis_client, "flow")
    audio, stretch_frames = fields.pop("audio"), fields.pop("stretch_frames")
    assert (task, stretch_frames) == ("lipsync.video", 25)
    assert fields == {"model": "faces", "face": "anna", "title": "talk", "first_background": 7}
    assert Client().store.read_bytes(audio) == WAV
    [job_id] = re.findall(r"slotline watch (\S+)", said.err)
    assert f"talk: sent as {job_id}" in said.err
    assert "no worker of faces is ready yet" in said.err
    assert not Path("film.mp4").exists()


def test_the_same_command_takes_up_its_open_job(video: Any, redis_client: redis.Redis) -> None:
    first, again = (video("talk.wav", "--face", "anna", "-o", f"{name}.mp4") for name in ("film", "another"))
    [job_id] = re.findall(r"talk: sent as (\S+)", first.err)
    assert f"talk: taken up again as {job_id}" in again.err
    assert len(sent(redis_client, "flow")) == 1


def test_a_text_is_sent_with_its_speaker(video: Any, redis_client: redis.Redis) -> None:
    Path("Tale.md").write_text("# One\n\nSome words.\n\n# Two\n\nSome more.\n")
    assert video("Tale.md", "--speech-model", "quick", "--voice", "anna", "-o", "film.mp4").status == 130
    assert video("--text", "Hello.", "--speech-model", "quick", "--speed", "1.5", "-o", "film.mp4").status == 130
    [(_, tale), (_, hello)] = sent(redis_client, "flow")
    assert tale["title"] == "Tale"
    assert "Some words." in tale["text"]
    assert "Some more." in tale["text"]
    assert (tale["speech"]["model"], tale["speech"]["voice"]) == ("quick", "anna")
    assert (hello["text"], hello["speech"]["speed"]) == ("Hello.", 1.5)


def test_standard_input_is_a_sound_or_a_text(
    video: Any, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(WAV)))
    assert video("-", "-o", "film.mp4").status == 130
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("Xin chào.".encode())))
    assert video("--text", "-", "--speech-model", "quick", "-o", "film.mp4").status == 130
    [(_, sound), (_, text)] = sent(redis_client, "flow")
    assert Client().store.read_bytes(sound["audio"]) == WAV
    assert text["text"] == "Xin chào."


SOUND = ("talk.wav", "-o", "film.mp4")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["none.mp3", "-o", "film.mp4"], "none.mp3: no such file"),
        ([".", "-o", "film.mp4"], ".: a folder; name a file with sound in it"),
        (["-o", "film.mp4"], "SOUND: name a file with sound or text, or give --text; one of the two"),
        ([*SOUND, "--text", "Hi."], "SOUND: name a file with sound or text, or give --text; one of the two"),
        (["--text", "…", "-o", "film.mp4"], "text: nothing to speak (no letter and no digit in it)"),
        ([*SOUND, "--voice", "anna"], "--voice: only for a text, which is spoken first"),
        ([*SOUND, "--speech-model", "quick"], "--speech-model: only for a text, which is spoken first"),
        ([*SOUND, "--slots", "2"], "--slots: only with --local; else the workers that run have their own slots"),
        ([*SOUND, "--model", "quick"], "model: 'quick' shows no face (its adapter is rehearsal)"),
        (["--text", "Hi.", "--speech-model", "faces", "-o", "x.mp4"], "speech: model: 'faces' does not speak (its ad"),
        (["talk.wav", "-o", "film.avi"], "-o: a film is written as mp4, not as .avi; name it film.mp4"),
        (["talk.mp4", "-o", "./talk.mp4"], "-o: ./talk.mp4 is the file that the film is made of; name another"),
        (["talk.wav", "-o", "no/film.mp4"], "-o: there is no folder no; make it, or name another"),
        (["talk.wav", "-o", "."], "-o: . is a folder; name a file in it, such as film.mp4"),
        (["talk.wav", "-o", "-", "--pictures", "jpg"], "-o: pictures are written to a folder; name one"),
        (["talk.wav", "-o", "talk.wav", "--pictures", "jpg"], "-o: folder talk.wav cannot be made (File exists)"),
    ],
)
def test_what_is_wrong_is_one_line_before_anything_is_sent(
    video: Any, redis_client: redis.Redis, arguments: list[str], words: str
) -> None:
    said = video(*arguments)
    assert said.status == 2, said
    assert said.err.startswith(f"slotline: {words}"), said
    assert said.err.count("\n") == 1
    assert sent(redis_client, "flow") == []


def test_the_model_must_be_named_where_several_show_faces(video: Any, use_catalog: UseCatalog) -> None:
    use_catalog('[models.a]\nadapter = "lipsync"\n[models.b]\nadapter = "lipsync"\n')
    assert "--model: name the model that is to show the face; a, b show faces" in video(*SOUND).err
