"""`slotline video` and `Client.submit_video` with real workers: films and pictures saved, and films watched early."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from producer import Client
from tasks.launch import slotline_command
from tasks.media.wav import encode_wav
from tests.acceptance.films.test_films import seen
from tests.fixtures.environment import UseCatalog
from tests.fixtures.processes import Process, StartProcess
from tests.fixtures.workers import StartPair
from workers.adapters.rehearsal.film import mark_of, told

CATALOG = """
[models.faces]
adapter = "rehearsal"
gives = "film"
voices = ["anna"]
seconds_per_frame = 0.01

[models.aloud]
adapter = "rehearsal"
"""
RATE = 22_050
SECONDS = 8.3
FRAMES = 208

Command = Callable[..., Process]


@pytest.fixture
def talk(use_catalog: UseCatalog, tmp_path: Path) -> Path:
    use_catalog(CATALOG)
    at = np.arange(round(SECONDS * RATE)) / RATE
    samples = (0.5 * np.sin(2 * np.pi * 440 * at)).astype(np.float32)
    path = tmp_path / "-a talk ☃.wav"
    path.write_bytes(encode_wav(samples, RATE))
    return path


def line(*arguments: str | Path) -> list[str]:
    return slotline_command("video", *map(str, arguments))


@pytest.fixture
def command(start_process: StartProcess, tmp_path: Path) -> Command:
    def start(*arguments: str | Path) -> Process:
        return start_process(*line(*arguments), name="video", cwd=tmp_path)

    return start


def check_whole(film: bytes) -> None:
    found = seen(film)
    assert [one.frame for one in found.shown] == list(range(FRAMES))
    assert {one.face for one in found.shown} == {mark_of("anna")}
    assert found.times_s == pytest.approx([number / 25 for number in range(FRAMES)])
    assert found.sound_s == pytest.approx(FRAMES / 25, abs=1 / 25)


def test_a_film_can_be_watched_long_before_it_is_whole(start_pair: StartPair, client: Client, talk: Path) -> None:
    start_pair("faces")
    job = client.submit_video(talk, model="faces", face="anna")
    stream = job.stream_film()
    first = next(stream)
    progress = job.progress()
    assert (progress.state, progress.total) == ("PROGRESS", 9)
    assert progress.settled < 5
    assert [one.frame for one in seen(first).shown] == list(range(25))
    check_whole(first + b"".join(stream))
    assert job.result().computed == 9


def test_a_command_that_was_stopped_goes_on_and_its_film_is_saved_streamed_and_unpacked(
    start_pair: StartPair, start_process: StartProcess, command: Command, talk: Path, tmp_path: Path
) -> None:
    start_pair("faces")
    given = ("--face", "anna", "-o")
    stopped = command(*given, "film.mp4", "--", talk)
    job_id = stopped.wait_for_log(r"a talk ☃: sent as (\S+)")[1]
    stopped.signal(signal.SIGINT)
    assert stopped.wait(30) == 130
    assert f"the job goes on; follow it: the same command, or slotline watch {job_id}" in stopped.log()
    assert not (tmp_path / "film.mp4").exists()
    again = command(*given, "film.mp4", "--", talk)
    assert again.wait(60) == 0, again.log()
    assert f"taken up again as {job_id}" in again.log()
    assert "film.mp4: 8.3 s of film; 9 stretches, 9 computed" in again.log()
    check_whole((tmp_path / "film.mp4").read_bytes())
    streamed = start_process("sh", "-c", 'exec "$@" > watched.mp4', "sh", *line(*given, "-", "--", talk), cwd=tmp_path)
    assert streamed.wait(60) == 0, streamed.log()
    assert "slotline: 8.3 s of film; 9 stretches, 0 computed" in streamed.log()
    check_whole((tmp_path / "watched.mp4").read_bytes())
    unpacked = command(*given, "out", "--pictures", "png", "--", talk)
    assert unpacked.wait(60) == 0, unpacked.log()
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == [f"frame_{number:06d}.png" for number in range(FRAMES)]
    with av.open(str(tmp_path / "out" / names[100])) as picture:
        [frame] = picture.decode(video=0)
        assert told(frame.to_ndarray(format="bgr24")).frame == 100
