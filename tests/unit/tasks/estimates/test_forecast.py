"""What is open becomes a forecast for each job, or words that say why there is none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tasks.estimates.forecast import Forecast, forecasts
from tasks.estimates.pace import Pace
from tasks.estimates.snapshot import KindNow, ModelNow, OpenJob, Snapshot
from tasks.pauses import Pause

PACE = Pace(part_s=0.5, unit_s=0.005, mean_size=100, samples=32)
"""A part of 100 characters takes a second."""

ALOUD = ModelNow(slots=2, pace=PACE)


def job(job_id: str, sizes: list[int], done: int = 0, **more: Any) -> OpenJob:
    """An open chapter with parts of these sizes, of which the first `done` have ended."""
    left = {part: size for part, size in enumerate(sizes, 1) if part > done}
    made = OpenJob(job_id, "chapter", "open", "aloud", 3, False, len(sizes), list(left), left, sum(sizes))
    return replace(made, opened_total=len(sizes), **more)


def book(sizes: list[int], **more: Any) -> OpenJob:
    return job("book", sizes, kind="book", priority=0, is_nested=True, width=1, **more)


def chapter(part: int, sizes: list[int], **more: Any) -> OpenJob:
    return job(f"book.{part}", sizes, priority=6, parent="book", parent_part=part, **more)


def snapshot(*jobs: OpenJob, model: ModelNow = ALOUD, **more: Any) -> Snapshot:
    return Snapshot(1000.0, {one.job_id: one for one in jobs}, {"aloud": model}, **more)


def forecast(now: Snapshot, job_id: str = "job") -> Forecast:
    return forecasts(now, [job_id], 0.1)[job_id]


def left(now: Snapshot, job_id: str = "job") -> float | None:
    found = forecast(now, job_id).seconds_left
    return None if found is None else round(found, 3)


def test_what_is_left_of_a_job_is_divided_among_the_slots() -> None:
    assert left(snapshot(job("job", [100] * 10, done=4))) == 3.0


def test_the_sizes_of_the_parts_that_are_left_count_not_those_that_have_ended() -> None:
    assert left(snapshot(job("job", [100] * 9 + [1900, 1900], done=9))) == 10.0


def test_jobs_beside_it_and_single_inputs_before_it_take_their_turns() -> None:
    assert left(snapshot(job("job", [100] * 4), job("other", [100] * 4))) == 4.0
    alone = replace(ALOUD, alone=18)
    now = snapshot(job("job", [100] * 2), model=alone)
    assert left(now) == pytest.approx(10.0)
    assert forecast(now).based_on == "32 samples of its pace, 2 slots, 0 other jobs, 18 single inputs"


def test_what_a_new_job_has_sent_lies_behind_what_was_sent_before_it() -> None:
    first = job("first", [100] * 20, sent=8, opened_s=1.0)
    second, third = (job(name, [100] * 2, sent=2, opened_s=at_s) for name, at_s in (("second", 2.0), ("third", 3.0)))
    now = snapshot(third, first, second, model=replace(ALOUD, slots=1))
    assert [left(now, name) for name in ("second", "third", "first")] == [9.5, 11.5, 23.5]
    going_on = replace(second, ended=3)
    assert left(snapshot(first, going_on, model=replace(ALOUD, slots=1)), "second") == 1.5


def test_jobs_of_other_models_do_not_count() -> None:
    other = replace(job("other", [100] * 50), model="silent")
    now = snapshot(job("job", [100] * 4), other)
    assert left(replace(now, models={"aloud": ALOUD, "silent": ModelNow(0)})) == 2.0


def test_putting_it_together_is_added_as_far_as_it_was_measured() -> None:
    kinds = {"chapter": KindNow(Pace(0.0, 0.1, 10, 3))}
    assert left(snapshot(job("job", [100] * 10), kinds=kinds)) == 6.0
    finishing = replace(job("job", [100] * 10, done=10), state="finishing", finishing_s=0.25)
    assert left(snapshot(finishing, kinds=kinds)) == 0.75
    assert left(snapshot(finishing)) == 0.0


def test_a_kind_whose_jobs_need_further_parts_is_expected_to_need_them_again() -> None:
    kinds = {"chapter": KindNow(growth=1.5)}
    assert left(snapshot(job("job", [100] * 10), kinds=kinds)) == 7.5
    extended = replace(job("job", [100] * 15, done=10), opened_total=10)
    assert left(snapshot(extended, kinds=kinds)) == 2.5


def test_a_job_that_is_not_opened_has_as_many_parts_as_its_text_says() -> None:
    sent = replace(job("job", [1000]), state="sent", opened_total=0)
    assert left(snapshot(sent)) == 5.0


def test_a_job_of_many_inputs_has_the_same_parts_before_it_is_opened_and_after() -> None:
    sent = replace(job("job", [300] * 10), kind="map", state="sent", opened_total=0)
    opened = replace(job("job", [300] * 10), kind="map")
    assert left(snapshot(sent)) == left(snapshot(opened)) == 10.0


def test_a_book_has_its_chapters_after_one_another_those_not_opened_by_their_length() -> None:
    now = snapshot(book([400, 1000, 600], done=1), chapter(2, [100] * 10, done=5))
    assert left(now, "book.2") == 2.5
    assert left(now, "book") == 5.5


def test_a_book_whose_chapters_have_no_known_length_is_judged_by_those_that_are_open() -> None:
    unknown = replace(book([0, 0, 0]), left=None, whole=0.0)
    assert left(snapshot(unknown, chapter(1, [100] * 10)), "book") == 15.0
    assert forecast(snapshot(unknown), "book") == Forecast(
        None, why="not known yet: it is not opened, and how much there is in it was not told"
    )


def test_of_a_film_whose_text_another_model_speaks_first_nothing_is_said_until_the_film_itself_is_open() -> None:
    film = job("film", [0], kind="video", is_nested=True, width=1)
    film = replace(film, left=None, whole=0.0)
    spoken = job("film.1", [100] * 4, model="voice", parent="film", parent_part=1)
    now = replace(snapshot(film, spoken), models={"aloud": ALOUD, "voice": ALOUD})
    assert forecast(now, "film").why == "not known yet: voice comes first, and says how much is left"
    assert forecast(now, "film.1").seconds_left == 2.0
    second = job("film.2", [100] * 6, kind="video", parent="film", parent_part=2)
    opened = snapshot(replace(film, parts_left=[2], total=2), second)
    assert left(opened, "film") == left(opened, "film.2") == 3.0


def test_a_chapter_that_is_tried_again_counts_once() -> None:
    again = replace(chapter(1, []), state="sent", left=None)
    now = snapshot(book([1000]), again)
    assert left(now, "book") == left(now, "book.1") == 5.0


def test_an_opened_job_of_an_older_version_has_parts_of_the_usual_size() -> None:
    assert left(snapshot(replace(job("job", [1] * 10, done=4), left=None, whole=0.0))) == 3.0


def test_a_job_that_nobody_has_opened_and_whose_length_is_not_known_says_so() -> None:
    sent = replace(job("job", []), state="sent", left=None)
    found = forecast(snapshot(sent, job("other", [100])))
    assert found.seconds_left is None
    assert "how much there is in it was not told" in found.why


@pytest.mark.parametrize(
    ("now", "why"),
    [
        (snapshot(job("job", [1]), model=replace(ALOUD, slots=0)), "no worker of aloud is ready"),
        (snapshot(job("job", [1]), has_flow=False), "no flow worker is ready"),
        (
            snapshot(job("job", [1]), model=replace(ALOUD, pace=None)),
            "not known yet: no part of aloud was measured so far",
        ),
        (
            snapshot(job("job", [1]), model=replace(ALOUD, pause=Pause("aloud", 0.0, "me"))),
            "aloud is paused by me; this waits until: slotline resume aloud",
        ),
    ],
)
def test_where_nothing_moves_or_was_measured_there_is_no_number_but_the_reason(now: Snapshot, why: str) -> None:
    assert forecast(now) == Forecast(None, why=why)


def test_what_is_not_open_has_no_forecast() -> None:
    assert forecasts(snapshot(), ["job"], 0.1) == {}
