"""A sound and a face become film, by real workers and the real adapter; tiny networks whose right answer is known.

Films are looked at with PyAV: their frames, times and sound, and when mouth and sound begin.
"""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from celery import Celery, chain

from producer import Client
from tasks.errors import InvalidInput, SlotlineError
from tests.fixtures.commands import Slotline
from tests.fixtures.environment import UseCatalog
from tests.fixtures.faces import sounds
from tests.fixtures.faces.folder import FaceLook, make_face
from tests.fixtures.faces.reference import Reference
from tests.fixtures.faces.scenes import Picture, shown
from tests.fixtures.faces.watching import Watched, watch
from tests.fixtures.waiting import GIVE_UP_S
from tests.fixtures.workers import StartPair

pytestmark = pytest.mark.usefixtures("model_packages")

LOUD = FaceLook(frames=7)
EXACT = FaceLook(kind="position", frames=7)
FRAME_S = 0.04


@pytest.fixture(autouse=True)
def faces(tmp_path: Path, use_catalog: UseCatalog) -> None:
    """Two registries of faces with encoders of their own, and a voice."""
    make_face(tmp_path / "loud", "anna", LOUD)
    make_face(tmp_path / "exact", "anna", EXACT)
    use_catalog(
        f"""
[models.loud]
adapter = "lipsync"
path = "{tmp_path}/loud/{{id}}"
voice = "anna"
batch_size = 50
threads = 1

[models.exact]
adapter = "lipsync"
path = "{tmp_path}/exact/{{id}}"
batch_size = 50
threads = 1

[models.espeak]
adapter = "espeak"
voice = "en-us"
"""
    )


def assert_whole(film: Watched, seconds: float) -> None:
    """Frames each 40 ms from 0 on, H.264 and AAC, picture and sound of one length within a frame."""
    frames = -(-round(seconds * 16_000) * 25 // 16_000)
    assert film.codecs == ("h264", "aac")
    assert film.times_s == pytest.approx([index * FRAME_S for index in range(frames)], abs=1e-6)
    assert film.numbers() == [shown(index, LOUD.frames) for index in range(frames)]
    assert film.picture_s == pytest.approx(frames * FRAME_S, abs=1e-3)
    assert film.sound_s == pytest.approx(film.picture_s, abs=FRAME_S)


def unpacked(client: Client, names: list[str], folder: Path) -> list[Picture]:
    """The pictures of archives, in the order of their names."""
    import cv2

    pictures: dict[str, Picture] = {}
    for name in names:
        client.store.fetch(name, folder / "archive.zip")
        with zipfile.ZipFile(folder / "archive.zip") as archive:
            for one in archive.namelist():
                read = cv2.imdecode(np.frombuffer(archive.read(one), np.uint8), cv2.IMREAD_COLOR)
                pictures[one] = np.asarray(read, np.uint8)
    assert list(pictures) == [f"frame_{index:06d}.png" for index in range(len(pictures))]
    return list(pictures.values())


def test_a_film_shows_what_it_sounds(client: Client, start_pair: StartPair, slotline: Slotline, tmp_path: Path) -> None:
    start_pair("loud")
    sound = sounds.write(tmp_path / "sound.wav", sounds.loud_from(1.3, 3.01, 44_100), 44_100)
    job = client.submit_video(sound, model="loud", face="anna", title="Onset")
    made = job.wait(GIVE_UP_S)
    assert (made.frames, made.stretches, made.computed) == (76, 4, 4)
    [path] = job.save(tmp_path / "film.mp4")
    film = watch(path)
    assert_whole(film, 3.01)
    assert film.rate == 44_100
    assert film.sound_onset_s() == pytest.approx(1.3, abs=FRAME_S)
    assert film.mouth_onset_s(LOUD) == pytest.approx(film.sound_onset_s(), abs=FRAME_S)
    right = Watched(Reference(LOUD).film(sounds.loud_from(1.3, 3.01)), film.times_s)
    assert film.mouth_onset_s(LOUD) == pytest.approx(right.mouth_onset_s(LOUD), abs=FRAME_S / 4), "not a frame off"

    longer = client.submit_video(sound, model="loud", first_background=7)
    assert longer.wait(GIVE_UP_S).frames == 76
    [path] = longer.save(tmp_path / "longer.mp4")
    assert watch(path).numbers() == [shown(7 + index, LOUD.frames) for index in range(76)]

    said = slotline("video", sound, "--model", "loud", "--face", "anna", "-o", tmp_path / "command.mp4")
    assert said.status == 0, said.err
    assert (tmp_path / "command.mp4").read_bytes() == (tmp_path / "film.mp4").read_bytes()
    assert b"".join(client.submit_video(sound, model="loud").stream_film())[4:8] == b"ftyp"


def test_its_pictures_are_those_of_the_reference(client: Client, start_pair: StartPair, tmp_path: Path) -> None:
    start_pair("exact")
    samples = sounds.as_int16(sounds.babble(2.3))
    sound = sounds.write(tmp_path / "sound.wav", samples)
    made = client.submit_video(sound, model="exact", face="anna", pictures="png", stretch_frames=20).wait(GIVE_UP_S)
    assert made.film is None
    pictures = unpacked(client, made.archives or [], tmp_path)
    right = Reference(EXACT).film(samples)
    differences = [np.abs(a.astype(int) - b) for a, b in zip(pictures, right, strict=True)]
    assert max(int(one.max()) for one in differences) <= 3
    assert np.mean([one.mean() for one in differences]) < 0.01


def test_any_sound_gets_a_film_or_one_line(client: Client, start_pair: StartPair, tmp_path: Path) -> None:
    start_pair("loud")
    stereo = np.stack([sounds.loud_from(0.5, 1.0, 48_000), np.zeros(48_000)], axis=1)
    good = {
        "silence.wav": (np.zeros(16_000), 16_000, 25),
        "short.wav": (sounds.babble(0.1), 16_000, 3),
        "telephone.wav": (sounds.babble(1.0, 8_000), 8_000, 25),
        "stereo.flac": (stereo, 48_000, 25),
        "speech.mp3": (sounds.babble(1.0, 24_000), 24_000, None),
        "speech.ogg": (sounds.babble(1.0, 22_050), 22_050, 25),
    }
    jobs = {}
    for name, (samples, rate, _) in good.items():
        jobs[name] = client.submit_video(sounds.write(tmp_path / name, samples, rate), model="loud")
    for name, job in jobs.items():
        frames, film = job.wait(GIVE_UP_S).frames, watch(job.save(tmp_path / f"{name}.mp4")[0])
        assert frames == (good[name][2] or frames), name
        assert len(film.pictures) == frames, name
        assert film.sound_s == pytest.approx(film.picture_s, abs=FRAME_S), name

    assert watch(tmp_path / "silence.wav.mp4").darkness(LOUD).max() < 0.05
    wav = (tmp_path / "silence.wav").read_bytes()
    flac = (tmp_path / "stereo.flac").read_bytes()
    bad = {
        "empty.wav": (b"", "the file is empty"),
        "no-sound.wav": (wav[:44], "holds no sound"),
        "text.wav": (b"not a sound at all\n" * 20, "cannot be read as sound"),
        "broken.flac": (flac[: len(flac) // 2] + bytes(2000) + flac[len(flac) // 2 + 3000 :], "is damaged at 0."),
    }
    for name, (content, reason) in bad.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(SlotlineError) as refused:
            client.submit_video(tmp_path / name, model="loud").wait(GIVE_UP_S)
        assert reason in str(refused.value)
        assert "\n" not in str(refused.value), name


def test_a_face_that_is_wrong_fails_alone_and_says_why(client: Client, start_pair: StartPair, tmp_path: Path) -> None:
    outside = make_face(tmp_path / "loud", "outside", replace(LOUD, rects=frozenset({"list"})))
    rects = json.loads((outside / "crop_rects.json").read_text())
    rects[3] = [40, 10, 80, 50]
    (outside / "crop_rects.json").write_text(json.dumps(rects))
    gap = make_face(tmp_path / "loud", "gap", LOUD)
    (gap / "frames" / "frame_0003.png").unlink()
    start_pair("loud")
    sound = sounds.write(tmp_path / "sound.wav", sounds.babble(0.5))
    for name, reason in (("outside", "crop_rects.json.*3.*64"), ("gap", "7 .*6|6 .*7|0003|3")):
        with pytest.raises(SlotlineError, match=reason):
            client.submit_video(sound, model="loud", face=name).wait(GIVE_UP_S)
    with pytest.raises(InvalidInput, match="nobody.*anna"):
        client.submit_video(sound, model="loud", face="nobody")
    assert client.submit_video(sound, model="loud", face="anna").wait(GIVE_UP_S).frames == 13


def test_a_text_is_spoken_first_by_slotline_or_by_a_chain(
    client: Client, foreign: Celery, start_pair: StartPair, start_slot: Any, tmp_path: Path
) -> None:
    start_pair("loud")
    start_slot("espeak")
    text = "One two three.\n\nFour five."
    job = client.submit_video(text=text, speech={"model": "espeak", "voice": "en-us"}, model="loud", face="anna")
    made = job.wait(GIVE_UP_S)
    [path] = job.save(tmp_path / "spoken.mp4")
    film = watch(path)
    assert len(film.pictures) == made.frames > 25
    assert film.sound_s == pytest.approx(film.picture_s, abs=FRAME_S)
    assert film.mouth_onset_s(LOUD) == pytest.approx(film.sound_onset_s(), abs=0.25)  # a word does not begin at once

    chapter = foreign.signature("speech.chapter", kwargs={"text": text, "model": "espeak", "voice": "en-us"})
    video = foreign.signature("lipsync.video", kwargs={"model": "loud", "face": "anna"})
    result = chain(chapter.set(queue="flow"), video.set(queue="flow"), app=foreign).apply_async().get(timeout=GIVE_UP_S)
    assert (result["frames"], result["computed"]) == (made.frames, 0), (
        "the same sound and face: nothing is computed again"
    )
