"""How many requests are handed over together."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from workers.parent.pipeline.hand_over import MOST, HandOver, depth_of, prefetched


def after(made: HandOver, job_s: float, times: int) -> int:
    """The number after so many jobs of so many seconds."""
    for _ in range(times):
        made.computed(job_s, 1)
    return made.number


def test_it_begins_with_one_batch_of_the_model() -> None:
    assert (HandOver(1).number, HandOver(16).number) == (1, 16)


def test_it_grows_slowly_to_what_takes_about_50_ms_and_no_further() -> None:
    made = HandOver(1)
    assert after(made, 0.004, 3) < 8
    assert after(made, 0.004, 50) == 8
    assert after(made, 0.0, 200) == MOST


def test_it_falls_at_once_when_a_job_is_slow_also_before_it_has_ended() -> None:
    made = HandOver(1)
    after(made, 0.001, 100)
    assert made.computes(10.0, 1)
    assert made.number == 1
    after(made, 0.001, 100)
    assert after(made, 30.0, 1) == 1
    assert 1 < after(made, 0.001, 40) <= 32, "and one slow job is forgotten after a few dozen"


def test_a_run_that_is_not_slow_yet_says_nothing() -> None:
    made = HandOver(1)
    after(made, 0.004, 50)
    assert not made.computes(0.001, 1)
    assert made.number == 8


def test_a_measurement_says_whether_the_number_is_another_one() -> None:
    made = HandOver(1)
    assert [made.computed(0.0, 1) for _ in range(8)].count(True) >= 1
    assert not made.computed(0.0, 0), "nothing was computed"


def test_it_does_not_change_with_each_measurement_at_a_border() -> None:
    made = HandOver(1)
    after(made, 0.00626, 100)  # 50 ms are eight of them, nearly
    changes = sum(made.computed(job_s, 1) for job_s in [0.0062, 0.0063] * 50)
    assert changes <= 1


def test_it_is_no_less_than_a_batch_of_the_model_and_without_the_pipeline_exactly_that() -> None:
    assert after(HandOver(16), 1.0, 3) == 16
    assert after(HandOver(16, is_fixed=True), 0.0001, 300) == 16


@given(st.lists(st.tuples(st.floats(0, 100), st.integers(0, 64))), st.integers(1, 100))
def test_it_is_always_in_its_bounds(measured: list[tuple[float, int]], batch_size: int) -> None:
    made = HandOver(batch_size)
    for seconds, jobs in measured:
        made.computed(seconds, jobs)
        assert batch_size <= made.number <= max(batch_size, MOST)


def test_a_worker_holds_what_is_in_flight_and_what_comes_next() -> None:
    assert (depth_of(True), depth_of(False)) == (3, 1)
    assert (prefetched(1, True), prefetched(100, True), prefetched(4, False)) == (256, 400, 8)
