"""When a slot's model is held to fail everything. Pure."""

from __future__ import annotations

from workers.parent.failure_streak import FailureStreak, Step


def decided(streak: FailureStreak, *parts: str) -> list[Step]:
    """What is decided after each of these parts failed."""
    return [streak.record([part], worked=False) for part in parts]


def test_the_fifth_different_part_in_a_row_replaces_the_child_once() -> None:
    streak = FailureStreak()
    assert decided(streak, *"abcdef") == [*[Step.GO_ON] * 4, Step.RELOAD, Step.GO_ON]


def test_one_part_that_fails_again_and_again_is_one() -> None:
    assert set(decided(FailureStreak(), *"aaaaaaaaaa")) == {Step.GO_ON}


def test_a_success_starts_the_count_anew() -> None:
    streak = FailureStreak()
    decided(streak, *"abcd")
    assert streak.record(["e"], worked=True) is Step.GO_ON
    assert set(decided(streak, *"fghi")) == {Step.GO_ON}


def test_five_more_after_the_reload_stop_the_slot_for_good() -> None:
    streak = FailureStreak()
    decided(streak, *"abcde")
    assert streak.loaded()
    assert len(streak) == 0
    assert decided(streak, *"fghij")[-1] is Step.STOP
    assert not streak.loaded(), "a child that is replaced for another reason opens nothing"


def test_a_success_after_the_reload_earns_another_reload() -> None:
    streak = FailureStreak()
    decided(streak, *"abcde")
    streak.loaded()
    streak.record([], worked=True)
    assert decided(streak, *"fghij")[-1] is Step.RELOAD


def test_a_child_that_is_replaced_for_another_reason_clears_nothing() -> None:
    streak = FailureStreak()
    decided(streak, *"abcd")
    assert streak.loaded()
    assert len(streak) == 4
