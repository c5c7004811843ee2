"""`slotline read --local` and its sisters, whole: Redis, workers and all are real processes."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from producer import Client
from tasks.launch import slotline_command
from tasks.media import audio as sound
from tests.fixtures.processes import LeftOver, Process, StartProcess
from tests.fixtures.waiting import WaitUntil
from tests.fixtures.workers import StartWorker

Command = Callable[..., Process]

MANY = "\n\n".join(f"Paragraph number {number} of many." for number in range(40))


@pytest.fixture
def command(
    own_environment: None, catalog_file: Path, start_process: StartProcess, left_over: LeftOver, tmp_path: Path
) -> Command:
    """Starts `slotline` with these arguments, in the test's folder."""

    def start(*arguments: str | Path, **kwargs: Any) -> Process:
        words = [str(argument) for argument in arguments]
        return start_process(*slotline_command(*words), name=words[0], **{"cwd": tmp_path, **kwargs})

    return start


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "book.md"
    path.write_text("# One\n\nThe first chapter.\n\nIts second paragraph.\n\n# Two\n\nThe last.\n")
    return path


def read(command: Command, *arguments: str | Path, status: int = 0) -> str:
    """Everything that `slotline read --local` printed."""
    process = command("read", "--local", *arguments)
    assert process.wait(90) == status, process.log()
    return process.log()


def test_a_book_is_read_to_a_file_a_chapter_and_a_second_time_computes_nothing(
    command: Command, book: Path, tmp_path: Path, left_over: LeftOver
) -> None:
    first = read(command, book, "--model", "quick", "-o", "out")
    files = sorted((tmp_path / "out").iterdir())
    assert [path.name for path in files] == ["01 - One.wav", "02 - Two.wav"]
    assert all(sound.measure(path).duration_s > 0 for path in files)
    assert re.search(r"^1 One +3 +0 .* out/01 - One\.wav", first, re.MULTILINE)
    assert left_over() == []
    before = {path: path.stat().st_mtime_ns for path in files}

    second = read(command, book, "--model", "quick", "-o", "out")
    assert len(re.findall(r" found +out/", second)) == 2
    assert {path: path.stat().st_mtime_ns for path in files} == before

    book.write_text(book.read_text().replace("The last.", "The very last."))
    third = read(command, book, "--model", "quick", "-o", "out", "--format", "wav")
    assert len(re.findall(r" found +out/", third)) == 1
    assert files[0].stat().st_mtime_ns == before[files[0]]
    assert files[1].stat().st_mtime_ns != before[files[1]]


def test_espeak_reads_vietnamese_and_english_books_each_in_its_own_voice(
    command: Command, tmp_path: Path, left_over: LeftOver
) -> None:
    (tmp_path / "vi.txt").write_text("Trăm năm trong cõi người ta, chữ tài chữ mệnh khéo là ghét nhau.")
    (tmp_path / "en.txt").write_text("It was a bright cold day in April, and the clocks were striking thirteen.")
    said = read(command, "vi.txt", "en.txt", "-o", "out", "--format", "flac")
    assert "voice vi" in said
    assert "voice en-us" in said
    for name in ("vi", "en"):
        [path] = (tmp_path / "out" / name).iterdir()
        levels = sound.measure(path)
        assert path.suffix == ".flac"
        assert levels.duration_s > 2
        assert levels.peak > 0.05
        assert levels.clipped == 0
    assert left_over() == []


def test_a_paragraph_that_fails_is_named_and_the_rest_is_read(command: Command, tmp_path: Path) -> None:
    (tmp_path / "bad.txt").write_text("All is well.\n\nThis one ⚡error breaks.\n\nAnd on it goes.")
    said = read(command, "bad.txt", "--model", "faulty", "-o", "out", status=1)
    assert re.search(
        r"FAILED: bad, chapter 1 «bad», part 2 \(«This one ⚡error breaks\.»\): .*⚡error stands in it", said
    )
    assert sound.measure(tmp_path / "out" / "01 - bad.wav").duration_s > 0


def test_a_chapter_of_which_nothing_could_be_spoken_says_why(command: Command, tmp_path: Path) -> None:
    (tmp_path / "bad.txt").write_text("This one ⚡error breaks.")
    said = read(command, "bad.txt", "--model", "faulty", "-o", "out", status=1)
    assert re.search(r"FAILED: bad, chapter 1 «bad», part 1 .*⚡error stands in it", said)


def test_a_model_that_is_unknown_or_without_its_voice_is_refused_with_status_2(command: Command, book: Path) -> None:
    assert "did you mean 'quick'" in read(command, book, "--model", "qick", status=2)
    said = read(command, book, "--model", "quick", "--voice", "ana", status=2)
    assert "voice: quick has no voice 'ana'; it has anna" in said


def test_a_folder_with_its_own_tasks_and_workers_does_no_harm(command: Command, book: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    for name in ("tasks", "workers", "producer"):
        (mine / name).mkdir(parents=True)
        (mine / name / "__init__.py").write_text("raise RuntimeError('the wrong package')")
    (mine / "celeryconfig.py").write_text("raise RuntimeError('the wrong settings')")
    process = command("read", "--local", book, "--model", "quick", "-o", "out", cwd=mine, env={"PYTHONSAFEPATH": "1"})
    assert process.wait(90) == 0, process.log()
    assert len(list((mine / "out").iterdir())) == 2


@pytest.mark.parametrize("moment", [r"\A", r"starting Redis", r"sent as"])
def test_ctrl_c_at_any_moment_leaves_no_process(
    command: Command, tmp_path: Path, left_over: LeftOver, wait_until: WaitUntil, moment: str
) -> None:
    (tmp_path / "long.txt").write_text(MANY)
    process = command("read", "--local", "long.txt", "--model", "slow", "-o", "out")
    process.wait_for_log(moment, 60)
    if moment == "starting Redis":
        # The moment before, in which the stack's process is forked: test_local_stack.py.
        wait_until(lambda: any("redis-server" in line for line in left_over()), 60, "the stack's Redis")
    process.signal(signal.SIGINT)
    assert process.wait(45) in (130, -signal.SIGINT, 1)
    assert left_over() == []
    if moment != r"\A":
        assert process.log().splitlines()[-1] == "slotline: stopped; the same command goes on where it was"


@pytest.mark.parametrize("moment", [r"starting Redis", r"sent as"])
def test_a_killed_reading_leaves_nothing_behind_and_goes_on_when_started_again(
    command: Command, tmp_path: Path, left_over: LeftOver, wait_until: WaitUntil, moment: str
) -> None:
    (tmp_path / "long.txt").write_text(MANY[:150])
    process = command("read", "--local", "long.txt", "--model", "slow", "-o", "out")
    process.wait_for_log(moment, 60)
    assert left_over()
    process.kill()
    wait_until(lambda: not left_over(), 30, "the end of all its processes")
    said = read(command, "long.txt", "--model", "slow", "-o", "out")
    if moment == "sent as":
        assert "taken up again" in said
    assert sound.measure(tmp_path / "out" / "01 - long.wav").duration_s > 0


def test_a_detached_reading_goes_on_and_is_taken_up_again(
    command: Command, broker: str, start_worker: StartWorker, tmp_path: Path
) -> None:
    start_worker("--model", "slow")
    start_worker("-Q", "flow", "-c", "1")
    (tmp_path / "long.txt").write_text(MANY[:200])
    env = {"CELERY_BROKER_URL": broker}
    first = command("read", "long.txt", "--model", "slow", "-o", "out", env=env)
    job_id = first.wait_for_log(r"sent as (\S+)", 60)[1]
    first.signal(signal.SIGINT)
    assert first.wait(20) == 130
    assert f"slotline watch {job_id}" in first.log()

    second = command("read", "long.txt", "--model", "slow", "-o", "out", env=env)
    assert second.wait(90) == 0, second.log()
    assert f"taken up again as {job_id}" in second.log()
    watched = command("watch", job_id, env=env)
    assert watched.wait(30) == 0
    assert f"{job_id}: done" in watched.log()
    listed = command("jobs", env=env)
    assert listed.wait(30) == 0
    assert re.search(rf"{job_id} +book +long +slow +success +1/1", listed.log())
    assert len(Client(broker).jobs()) == 2


def test_say_writes_one_text_to_a_file(
    command: Command, broker: str, start_worker: StartWorker, tmp_path: Path
) -> None:
    start_worker("--model", "faulty")
    start_worker("-Q", "flow", "-c", "1")
    env = {"CELERY_BROKER_URL": broker}
    short = command("say", "Hello there.", "-o", "short.wav", "--model", "faulty", env=env)
    assert short.wait(60) == 0, short.log()
    long = command("say", MANY, "-o", "long.flac", "--model", "faulty", env=env)
    assert long.wait(60) == 0, long.log()
    assert sound.measure(tmp_path / "long.flac").duration_s > sound.measure(tmp_path / "short.wav").duration_s > 0
    failed = command("say", "Bad ⚡error here.", "-o", "bad.wav", "--model", "faulty", env=env)
    assert failed.wait(60) == 1
    assert "⚡error stands in it" in failed.log()
    assert not (tmp_path / "bad.wav").exists()
