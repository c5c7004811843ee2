"""The rehearsal's own: its clock, its length of silence, and each of its faults."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path

import pytest

from tasks.catalog import ModelEntry
from tasks.errors import ModelError, ModelLoadError
from tasks.messages import StretchRequest
from tests.fixtures.waiting import at_most
from tests.unit.workers.adapters.asked import to_speak
from workers.adapters.base import Cancelled
from workers.adapters.outputs import Film, Sound
from workers.adapters.rehearsal import Rehearsal
from workers.adapters.rehearsal.film import ToShow
from workers.adapters.rehearsal.journal import digest


def made(**options: object) -> Rehearsal:
    return Rehearsal(
        ModelEntry.model_validate({"name": "rehearsal", "adapter": "rehearsal", "options": options}), "cpu"
    )


def test_silence_is_fifteen_characters_a_second_at_normal_speed() -> None:
    normal, fast = made().run([to_speak("a" * 150), to_speak("a" * 150, speed=2.0)])
    assert isinstance(normal, Sound)
    assert isinstance(fast, Sound)
    assert len(normal.samples) == 10 * 22_050
    assert len(fast.samples) == 5 * 22_050
    assert not normal.samples.any()


def test_a_batch_takes_its_seconds_once_and_more_for_each_character() -> None:
    adapter = made(seconds=0.1, seconds_per_char=0.01)
    began = time.monotonic()
    adapter.run([to_speak("a" * 5), to_speak("a" * 5)])
    assert 0.2 <= time.monotonic() - began < at_most(0.2)


def test_load_takes_its_seconds() -> None:
    began = time.monotonic()
    made(load_seconds=0.1).load()
    assert time.monotonic() - began >= 0.1


def test_with_no_voices_listed_every_voice_is_taken() -> None:
    adapter = made()
    assert adapter.load().voices == {}
    adapter.check(to_speak("text", "quynh"))


def test_the_first_of_its_voices_is_the_default() -> None:
    assert made(voices=["a", "b"]).load().default_voice == "a"


def test_fail_load_fails_the_load() -> None:
    with pytest.raises(ModelLoadError, match="fail_load is set"):
        made(fail_load=True).load()


def test_fault_words_are_only_text_where_faults_are_off() -> None:
    outcome = made().run([to_speak("⚡crash ⚡memory ⚡error ⚡hang ⚡slow=60")])[0]
    assert isinstance(outcome, Sound)


def test_an_error_is_that_inputs_alone_and_memory_is_the_batchs() -> None:
    adapter = made(faults=True)
    bad, good = adapter.run([to_speak("a ⚡error, b"), to_speak("⚡errors are another word")])
    assert isinstance(bad, ModelError)
    assert isinstance(good, Sound)
    with pytest.raises(MemoryError):
        adapter.run([to_speak("good"), to_speak("⚡memory")])


def test_slow_takes_as_long_as_it_says() -> None:
    began = time.monotonic()
    made(faults=True).run([to_speak("⚡slow=0.25.")])
    assert 0.25 <= time.monotonic() - began < at_most(0.25)


def test_a_cancelled_batch_ends_long_before_its_time() -> None:
    adapter = made(seconds=30.0, faults=True)
    asked = iter([False] * 3)
    adapter.is_cancelled = lambda index: next(asked, True)
    began = time.monotonic()
    outcomes = adapter.run([to_speak("one"), to_speak("⚡error two")])
    assert [type(outcome) for outcome in outcomes] == [Cancelled, Cancelled]
    assert time.monotonic() - began < at_most(1.0), "long before its 30 s"


def test_a_slow_input_stops_where_it_is_when_it_is_cancelled() -> None:
    adapter = made(faults=True)
    asked = iter([False] * 3)
    adapter.is_cancelled = lambda index: next(asked, True)
    began = time.monotonic()
    assert isinstance(adapter.run([to_speak("⚡slow=30 ⚡error")])[0], Cancelled)
    assert time.monotonic() - began < at_most(1.0), "long before its 30 s"


def test_a_journal_has_a_line_for_each_input_begun_and_each_done(tmp_path: Path) -> None:
    made(journal=str(tmp_path / "journal")).run([to_speak("one"), to_speak("two")])
    lines = [json.loads(line) for line in (tmp_path / "journal").read_text().splitlines()]
    texts = [digest("one"), digest("two")]
    assert [(line["what"], line["text"]) for line in lines] == [("began", t) for t in texts] + [
        ("ended", t) for t in texts
    ]
    assert {line["pid"] for line in lines} == {os.getpid()}
    assert lines[0]["ns"] <= lines[2]["ns"] <= time.monotonic_ns()


def test_steps_are_computed_once_a_batch_and_their_own_seconds_stand_in_the_journal(tmp_path: Path) -> None:
    adapter = made(steps=300, step_size=16, journal=str(tmp_path / "journal"))
    began = time.monotonic()
    assert all(isinstance(outcome, Sound) for outcome in adapter.run([to_speak("one"), to_speak("two")]))
    took_s = time.monotonic() - began
    lines = [json.loads(line) for line in (tmp_path / "journal").read_text().splitlines()]
    assert [line["what"] for line in lines] == ["began", "began", "stepped", "ended", "ended"]
    assert lines[2]["steps"] == 300
    assert 0 < lines[2]["seconds"] < took_s
    assert 0 <= lines[2]["waited_s"] < took_s
    assert lines[0]["ns"] < lines[2]["ns"] < lines[3]["ns"]


def test_a_step_releases_the_interpreter_to_another_thread() -> None:
    adapter, is_stepping, seen = made(steps=2000), threading.Event(), threading.Event()

    def asked(_: int) -> bool:
        is_stepping.set()
        return False

    def wait() -> None:
        is_stepping.wait()
        seen.set()

    adapter.is_cancelled = asked
    other = threading.Thread(target=wait)
    other.start()
    interval_s = sys.getswitchinterval()
    # Python itself takes the interpreter from nobody meanwhile, so only a step can give it away.
    sys.setswitchinterval(600.0)
    try:
        adapter.run([to_speak("one")])
        assert seen.is_set()
    finally:
        sys.setswitchinterval(interval_s)
        is_stepping.set()
        other.join()


def test_steps_that_are_cancelled_end_long_before_their_number() -> None:
    adapter = made(steps=10**12, step_size=16)
    asked = iter([False] * 3)
    adapter.is_cancelled = lambda index: next(asked, True)
    assert isinstance(adapter.run([to_speak("one")])[0], Cancelled)


def test_a_signed_silence_opens_with_samples_of_its_own() -> None:
    one, other = made(signed=True).run([to_speak("a" * 30), to_speak("b" * 30)])
    assert isinstance(one, Sound)
    assert isinstance(other, Sound)
    assert one.samples[:8].all()
    assert (one.samples[:8] != other.samples[:8]).any()
    assert not one.samples[8:].any()


def test_what_was_unloaded_or_let_go_of_fails_as_a_model_does() -> None:
    child, beside = made(), made(gives="film")
    child.load()
    child.unload()
    with pytest.raises(ModelError, match="rehearsal was unloaded while it was in use"):
        child.run([to_speak("a")])
    child.load()
    assert len(child.run([to_speak("a")])) == 1
    stretch = StretchRequest(model="rehearsal", face="a", sounds=["a/b.wav"], samples=1280, frames=2)
    film = beside.finish(stretch, ToShow("a", 0, 0, (1, 2)))
    assert isinstance(film, Film)
    pictures = iter(film.frames)
    next(pictures)
    beside.detach()
    with pytest.raises(ModelError, match="in use"):
        next(pictures)
    with pytest.raises(ModelError, match="in use"):
        beside.prepare(stretch)
