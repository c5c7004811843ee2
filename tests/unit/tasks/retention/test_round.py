"""What is removed, and in which order: by age, then the least recently used, never what is needed or fresh."""

from __future__ import annotations

import pytest

from tasks.retention.round import FRESH_S, HOUR_S, Limits, Room, Round, Verdict
from tasks.store.contents import Stored, StoredFile

NOW_S = 2_000_000_000.0
DAY = Limits(86400.0, None)
SMALL = Limits(None, 1000)


def stored(hours: float, size: int = 100, name: str = "speech/ab/1") -> Stored:
    used_s = NOW_S - hours * HOUR_S
    return Stored(name, (StoredFile(f"{name}.wav.json", 0, used_s - 9), StoredFile(f"{name}.wav", size, used_s)))


def run(limits: Limits, *artifacts: Stored, room: Room | None = None) -> tuple[Round, list[Verdict]]:
    done, verdicts = Round(NOW_S, room), []
    for one in artifacts:
        verdicts.append(done.verdict(one, {b"speech/ab/needed"}, limits, NOW_S))
        done.count(one, verdicts[-1], limits, NOW_S)
    return done, verdicts


def test_what_was_not_used_for_the_time_to_live_is_old_unless_an_open_job_needs_it() -> None:
    done, verdicts = run(DAY, stored(25), stored(23), stored(25, name="speech/ab/needed"), stored(25, name="text/ab/1"))
    assert verdicts == ["old", "keep", "needed", "old"]
    assert (done.removed, done.removed_bytes, done.left, done.needed) == (2, 200, 2, 1)


@pytest.mark.parametrize("limits", [Limits(1.0, None), Limits(None, 1)])
def test_what_is_fresh_or_has_no_time_stays_whatever_the_limits(limits: Limits) -> None:
    unknown = Stored("speech/ab/1", (StoredFile("speech/ab/1.wav", 100, 0.0),))
    done, verdicts = run(limits, stored(FRESH_S / HOUR_S / 2), unknown, room=Room(10**9, 0))
    assert verdicts == ["keep", "keep"]
    assert done.next_room(limits) is None


def test_of_too_much_the_least_recently_used_hours_go_first_and_no_more_than_needed() -> None:
    artifacts = [stored(hours, 400, f"speech/ab/{hours}") for hours in (1, 5, 2, 4, 3)]
    first, verdicts = run(SMALL, *artifacts)
    assert verdicts == ["keep"] * 5
    room = first.next_room(SMALL)
    second, verdicts = run(SMALL, *artifacts, room=room)
    assert verdicts == ["keep", "room", "keep", "room", "room"]
    assert (second.left_bytes, second.removed_bytes, second.next_room(SMALL)) == (800, 1200, None)


def test_within_the_last_hour_that_must_go_only_as_much_as_needed_goes() -> None:
    artifacts = [stored(5 + number / 1000, 400, f"speech/ab/{number}") for number in range(5)]
    first, _ = run(SMALL, *artifacts)
    second, verdicts = run(SMALL, *artifacts, room=first.next_room(SMALL))
    assert verdicts.count("room") == 3
    assert second.left_bytes == 800


def test_texts_and_what_is_needed_are_never_removed_for_the_size() -> None:
    artifacts = [stored(5, 4000, "text/ab/1"), stored(5, 4000, "speech/ab/needed")]
    first, _ = run(SMALL, *artifacts)
    second, verdicts = run(SMALL, *artifacts, room=first.next_room(SMALL))
    assert verdicts == ["keep", "needed"]
    assert second.left_bytes == 8000


def test_a_round_goes_on_from_its_text() -> None:
    done, _ = run(SMALL, stored(5), stored(1), room=Room(7, 3))
    done.cursor = "speech/ab"
    assert Round.from_json(done.to_json()) == done
