"""Backgrounds are read ahead in the order of showing, held while they are needed, bounded, and let go."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import pytest

from tasks.errors import ModelError
from tests.fixtures.waiting import GIVE_UP_S, WaitUntil
from workers.adapters.lipsync.backgrounds import Backgrounds
from workers.adapters.lipsync.frames.showing import backgrounds


class Frames:
    """A source whose frames say their number; it notes what is read, and can be stopped."""

    def __init__(self, count: int = 200, threads: int = 2) -> None:
        self.count, self.threads, self.size = count, threads, (2, 2)
        self.read_numbers: list[int] = []
        self.broken: set[int] = set()
        self.closed = 0
        self.goes_on = threading.Event()
        self.goes_on.set()
        self._lock = threading.Lock()
        self.at_once = self.most_at_once = 0

    def read(self, number: int) -> Any:
        with self._lock:
            self.read_numbers.append(number)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            assert self.goes_on.wait(GIVE_UP_S)
            if number in self.broken:
                raise ModelError(f"frame {number}: is damaged")
            return np.full((2, 2, 3), number, np.uint16)
        finally:
            with self._lock:
                self.at_once -= 1

    def close(self) -> None:
        self.closed += 1


@contextmanager
def opened(source: Frames, window: int = 60, held: int = 60, **options: Any) -> Iterator[Backgrounds]:
    made = Backgrounds(source, window, held, **options)
    try:
        yield made
    finally:
        source.goes_on.set()
        made.close()


def take(of: Backgrounds, first: int, frames: int = 10, until: int | None = None) -> list[int]:
    """What a stretch shows, from its begin to its end."""
    numbers = [int(of.get(number)[0, 0, 0]) for number in of.begin(first, frames, until)]
    of.end(first, frames)
    return numbers


def readers() -> list[threading.Thread]:
    """The threads that read backgrounds."""
    return [one for one in threading.enumerate() if one.name == "slotline-backgrounds"]


def held(of: Backgrounds) -> int:
    return int(of.stats()["frames"])


def test_frames_come_in_the_order_of_showing_and_are_read_once() -> None:
    with opened(source := Frames()) as of:
        for first in range(0, 150, 10):
            assert take(of, first, until=150) == backgrounds(first, 10, 200)
    assert sorted(source.read_numbers) == sorted(set(source.read_numbers)) == list(range(1, 151))


def test_all_but_the_first_stretch_are_read_ahead(wait_until: WaitUntil) -> None:
    with opened(source := Frames(count=2000)) as of:
        for first in range(0, 1000, 10):
            assert take(of, first) == backgrounds(first, 10, 2000)
            ahead = set(backgrounds(first + 10, 10, 2000))
            wait_until(partial(ahead.issubset, source.read_numbers))
        stats = of.stats()
    assert (stats["hits"], stats["misses"]) == (990, 10)
    assert stats["decode_s"] >= 0


def test_nothing_is_read_beyond_the_end_of_the_film(wait_until: WaitUntil) -> None:
    with opened(source := Frames()) as of:
        take(of, 0, until=25)
        take(of, 10, until=25)
        wait_until(lambda: len(source.read_numbers) == 25)
        take(of, 20, 5, until=25)
    assert max(source.read_numbers) == 25


def test_no_more_frames_are_held_than_the_window_and_what_is_being_made() -> None:
    with opened(Frames(), window=25, held=20) as of:
        for first in range(0, 400, 10):
            of.begin(first, 10)
            of.get(backgrounds(first, 1, 200)[0])
            assert held(of) <= 45
        for first in range(0, 400, 10):
            of.end(first, 10)
        assert held(of) <= 25


def test_a_stretch_that_is_longer_than_all_room_is_shown_and_let_go() -> None:
    with opened(Frames(), window=5, held=5) as of:
        assert take(of, 0, 30) == backgrounds(0, 30, 200)
        assert held(of) <= 5


def test_when_the_last_film_ends_nothing_is_held() -> None:
    with opened(Frames()) as of:
        take(of, 0, until=20)
        of.begin(3000, 10, until=3010)
        take(of, 10, until=20)
        assert held(of) > 0, "another film goes on"
        of.end(3000, 10)
        assert held(of) == 0


def test_frames_stay_between_cutting_and_pasting() -> None:
    with opened(source := Frames(), held=30) as of:
        for first in (0, 10, 20):
            for number in of.begin(first, 10, until=30):
                of.get(number)
        before = list(source.read_numbers)
        for first in (0, 10, 20):
            assert [int(of.get(number)[0, 0, 0]) for number in of.resume(first, 10)] == backgrounds(first, 10, 200)
            of.end(first, 10)
        assert source.read_numbers == before, "pasting reads no frame again"


def test_stretches_that_are_never_finished_make_room_for_others() -> None:
    with opened(source := Frames(), window=10, held=30) as of:
        for first in range(0, 100, 10):
            for number in of.begin(first, 10):
                of.get(number)
            assert held(of) <= 40
        read = len(source.read_numbers)
        assert [int(of.get(number)[0, 0, 0]) for number in of.resume(0, 10)] == backgrounds(0, 10, 200)
        assert len(source.read_numbers) >= read + 10, "what was let go is read again"


def test_who_waits_comes_before_what_is_read_ahead(wait_until: WaitUntil) -> None:
    with opened(source := Frames(), threads=1) as of:
        source.goes_on.clear()
        of.begin(0, 1)
        wait_until(lambda: source.at_once == 1)
        numbers = of.begin(100, 3)
        source.goes_on.set()
        for number in numbers:
            of.get(number)
    assert source.read_numbers[:4] == [1, 101, 102, 103]


def test_films_at_the_same_time_share_the_window_and_the_frames() -> None:
    with opened(source := Frames(), window=120) as of:
        for first in range(0, 60, 10):
            for offset, until in ((0, 60), (3000, 3060), (0, 61)):
                assert take(of, first + offset, until=until) == backgrounds(first + offset, 10, 200)
                assert held(of) <= 120
        stats = of.stats()
    assert stats["hits"] + stats["misses"] == 180
    assert len(source.read_numbers) == len(set(source.read_numbers)), "each is read once"


def test_several_threads_get_what_they_ask_for() -> None:
    wrong: list[Any] = []
    with opened(source := Frames(count=37), window=20, held=20) as of:

        def work(start: int) -> None:
            for first in range(start, start + 300, 10):
                if take(of, first) != backgrounds(first, 10, 37):
                    wrong.append(first)

        threads = [threading.Thread(target=work, args=[start], daemon=True) for start in (0, 5, 111, 5000)]
        for one in threads:
            one.start()
        for one in threads:
            one.join(GIVE_UP_S)
            assert not one.is_alive()
        assert held(of) <= 40
    assert not wrong
    assert source.most_at_once <= 2


def test_a_source_for_one_thread_is_read_by_one_thread() -> None:
    with opened(source := Frames(threads=1), threads=4) as of:
        for first in range(0, 100, 10):
            take(of, first)
    assert source.most_at_once == 1


def test_a_damaged_frame_fails_who_needs_it_and_nobody_else(wait_until: WaitUntil) -> None:
    source = Frames()
    source.broken = {15}
    with opened(source) as of:
        take(of, 0)
        wait_until(lambda: 15 in source.read_numbers)
        for _ in range(2):
            with pytest.raises(ModelError, match="frame 15: is damaged"):
                take(of, 10)
            of.end(10, 10)
        source.broken = set()
        assert take(of, 10) == backgrounds(10, 10, 200), "a file that was mended is read again"


def test_memory_and_threads_are_let_go_when_idle_and_come_back(wait_until: WaitUntil) -> None:
    with opened(source := Frames(), idle_s=0.01) as of:
        take(of, 0)
        wait_until(lambda: held(of) == 0 and not readers())
        assert source.closed
        assert take(of, 10) == backgrounds(10, 10, 200)
        wait_until(lambda: held(of) == 0 and not readers())


def test_an_idle_face_keeps_the_frames_of_a_stretch_that_is_computed(wait_until: WaitUntil) -> None:
    with opened(source := Frames(), idle_s=0.01) as of:
        for number in of.begin(0, 10):
            of.get(number)
        wait_until(lambda: held(of) == 10)
        read = len(source.read_numbers)
        of.get(of.resume(0, 10)[0])
        assert len(source.read_numbers) == read


def test_what_is_closed_lets_go_at_once_and_can_be_used_on(wait_until: WaitUntil) -> None:
    with opened(source := Frames()) as of:
        for number in of.begin(0, 10):
            of.get(number)
        of.close()
        assert held(of) == 0
        wait_until(lambda: not readers())
        assert [int(of.get(number)[0, 0, 0]) for number in of.resume(0, 10)] == backgrounds(0, 10, 200)
        of.end(0, 10)
    assert source.closed == 2
