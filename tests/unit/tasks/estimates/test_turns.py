"""Pieces of work that share slots: each ends when the turns say, and all work is done by the slots that there are."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.estimates.turns import Sequel, Work, ends, filled, message_shares


def work(name: str, parts: float, priority: int = 3, part_s: float = 1.0, **more: Any) -> Work:
    return Work(name, priority, parts, parts * part_s, **more)


def at(slots: int, *pieces: Work, sequels: tuple[Sequel, ...] = (), fair_share: float = 0.1) -> dict[str, float]:
    return {name: round(when, 6) for name, when in ends(slots, pieces, sequels, fair_share).items()}


def test_one_job_alone_has_all_slots_but_no_more_than_its_parts_and_its_window() -> None:
    assert at(2, work("job", 10)) == {"job": 5.0}
    assert at(4, work("one", 1)) == {"one": 1.0}
    assert at(4, work("narrow", 10, width=2)) == {"narrow": 5.0}


def test_jobs_of_one_priority_take_turns_so_a_short_one_does_not_wait_for_a_long_one() -> None:
    assert at(1, work("long", 10), work("short", 2)) == {"short": 4.0, "long": 12.0}


def test_turns_are_parts_so_who_has_longer_parts_has_more_of_the_time() -> None:
    assert at(1, work("slow", 4, part_s=3.0), work("quick", 4)) == {"slow": 16.0, "quick": 16.0}


def test_urgent_work_comes_first_and_a_book_keeps_its_tenth() -> None:
    assert at(1, work("urgent", 9), work("book", 10, priority=6)) == {"urgent": 10.0, "book": 19.0}


def test_without_a_fair_share_a_book_waits_for_all_urgent_work() -> None:
    found = at(1, work("urgent", 9), work("book", 10, priority=6), fair_share=0.0)
    assert found == {"urgent": pytest.approx(9.0), "book": pytest.approx(19.0)}


def test_what_urgent_work_cannot_use_is_the_others() -> None:
    assert at(4, work("urgent", 2), work("book", 10, priority=6))["book"] == 3.0


def test_what_follows_the_last_part_is_added_and_takes_no_slot() -> None:
    assert at(1, work("a", 2, after_s=5.0), work("b", 2)) == {"a": 9.0, "b": 4.0}
    assert at(1, Work("finishing", 3, 0.0, 0.0, after_s=2.0)) == {"finishing": 2.0}


def test_chapters_follow_one_another_as_many_at_once_as_the_book_has_open() -> None:
    waiting = [work("book.2", 4, 6), work("book.3", 4, 6)]
    book = Sequel("book", ["book.1"], waiting, width=1, after_s=1.0)
    assert at(2, work("book.1", 4, 6), sequels=(book,)) == {"book.1": 2.0, "book.2": 4.0, "book.3": 6.0, "book": 7.0}


def test_a_chapter_is_put_together_before_the_next_one_begins() -> None:
    book = Sequel("book", ["book.1"], [work("book.2", 4, 6)], width=1)
    assert at(2, work("book.1", 4, 6, after_s=3.0), sequels=(book,))["book"] == 7.0


def test_a_book_of_which_nothing_is_open_yet_begins_with_its_first_chapters() -> None:
    chapters = [work(f"book.{number}", 4, 6) for number in range(1, 5)]
    assert at(2, sequels=(Sequel("book", [], chapters, width=2),))["book"] == 8.0


def test_the_chapters_of_a_book_share_one_turn_and_the_first_is_served_first() -> None:
    two = [work("book.2", 4, turn="book", place=2), work("book.1", 4, turn="book", place=1)]
    assert at(1, *two, work("other", 4)) == {"book.1": 8.0, "other": 8.0, "book.2": 12.0}
    assert at(2, *two) == {"book.1": 2.0, "book.2": 4.0}
    assert at(4, work("book.1", 2, turn="book", place=1), two[0]) == {"book.1": 1.0, "book.2": 2.0}


def test_who_has_been_taking_turns_has_half_of_the_way_to_the_next_one_behind_him() -> None:
    assert at(1, work("job", 3, is_begun=True), work("other", 9)) == {"job": 5.0, "other": 12.0}
    assert at(1, work("job", 1, is_begun=True)) == {"job": 0.5}


def test_what_is_sent_comes_before_what_is_not_whosever_it_is() -> None:
    assert at(1, work("long", 20, sent=8), work("new", 2, sent=1)) == {"new": 11.0, "long": 22.0}
    assert at(1, work("long", 20, sent=8), work("ending", 2, sent=2)) == {"ending": 4.0, "long": 22.0}
    assert at(1, work("long", 20, sent=8), work("book", 2, priority=6, sent=1))["book"] == 20.0
    behind = work("behind", 2, sent=2, rank=1)
    assert at(1, work("long", 20, sent=8), behind) == {"behind": 10.0, "long": 22.0}


def test_very_many_pieces_end_in_few_steps_and_still_in_order() -> None:
    found = at(4, *(work(f"{number:04}", 1 + number % 50) for number in range(2000)))
    assert len(found) == 2000
    assert max(found.values()) == pytest.approx(sum(1 + number % 50 for number in range(2000)) / 4, rel=0.03)
    assert found["0000"] < found["0010"] < found["0049"]


def test_shares_are_those_of_the_lists() -> None:
    assert message_shares(0, 0.1) == []
    assert message_shares(1, 0.1) == [1.0]
    assert message_shares(3, 0.1) == [pytest.approx(0.8), 0.1, 0.1]
    assert message_shares(4, 0.5) == [0.25] * 4


def test_what_one_cannot_use_is_divided_among_the_others() -> None:
    assert filled(6, [(1, 1), (1, 10), (1, 10)]) == [1, 2.5, 2.5]
    assert filled(6, [(3, 10), (1, 10)]) == [4.5, 1.5]
    assert filled(6, [(1, 1), (1, 2)]) == [1, 2]
    assert filled(6, []) == []


@given(
    st.integers(1, 8),
    st.lists(st.tuples(st.integers(1, 30), st.sampled_from([0, 3, 6]), st.floats(0.01, 5)), min_size=1, max_size=12),
    st.floats(0, 0.5),
)
def test_all_end_no_sooner_than_the_slots_can_and_not_later_than_one_slot_would(
    slots: int, jobs: list[tuple[int, int, float]], fair_share: float
) -> None:
    pieces = [work(str(index), parts, priority, part_s) for index, (parts, priority, part_s) in enumerate(jobs)]
    found = ends(slots, pieces, (), fair_share)
    whole = sum(one.seconds for one in pieces)
    assert set(found) == {one.name for one in pieces}
    assert whole / slots <= max(found.values()) * (1 + 1e-6)
    assert max(found.values()) <= whole * (1 + 1e-6)
