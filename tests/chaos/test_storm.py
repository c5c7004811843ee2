"""A short storm on real processes; `make chaos` runs a long one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos import library
from tests.chaos.hand import KILLS, SHORT, many
from tests.chaos.storm import Storm, run

SEED = 20


@pytest.mark.worker
@pytest.mark.timeout(400)
def test_a_storm_loses_nothing_doubles_nothing_and_leaves_nothing(tmp_path: Path, own_environment: None) -> None:
    told: list[str] = []
    storm = run(Storm(SEED, SHORT), tmp_path / "storm", told.append)
    print("\n".join(told), storm.table(), storm.last_words, sep="\n\n")
    assert storm.wrong == []
    assert sum(storm.dealt.values()) >= 25
    assert storm.figures.interrupted > 0, "the hand struck nothing that ran"
    assert (storm.lost, storm.doubled) == (0, 0)


def test_a_long_storm_has_as_many_kills_as_were_asked_for() -> None:
    assert sum(count for kind, count in many(200).items() if kind in KILLS) == 200


def test_what_is_lost_doubled_or_out_of_order_is_heard_in_the_audio() -> None:
    (chapter,) = library.book(seed=1, number=1, paragraphs=4)
    one, two, three, four = chapter.paragraphs
    assert library.heard(library.chapter_sound(chapter), [chapter]) == [one, two, three, four]
    wrong = library.Chapter("", (one, three, two, two))
    assert library.heard(library.chapter_sound(wrong), [chapter]) == [one, three, two, two]


def test_the_same_seed_writes_the_same_book_and_another_one_another() -> None:
    assert library.book(1, 1, 60) == library.book(1, 1, 60)
    assert library.book(1, 1, 60) != library.book(2, 1, 60)
    assert not library.digests(library.book(1, 1, 60)) & library.digests(library.book(1, 2, 60))
