"""When the next round begins, and that another worker goes on where one has ended."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.redis import keys
from tasks.retention import state
from tasks.retention.round import Limits, Room, Round
from tasks.retention.state import EVERY_BY_AGE_S, EVERY_S, State, pause_s

SMALL = Limits(None, 1000)


def test_a_state_is_read_as_it_was_written(raw_redis: Any) -> None:
    assert state.load(raw_redis) == State()
    under_way = Round(1.0, Room(3, 4), "speech/ab", hours={7: 100})
    written = State(under_way, 2.0, State(Round(1.0)).ended(SMALL, 5.0).last, SMALL)
    state.save(raw_redis, written)
    assert state.load(raw_redis) == written
    assert raw_redis.pttl(keys.RETENTION) > 0


@pytest.mark.parametrize("text", ["", "{", "[]", '{"round": {"began_s": 1, "mood": 2}}', '{"last": 7}'])
def test_a_state_of_another_version_counts_as_none(raw_redis: Any, text: str) -> None:
    raw_redis.set(keys.RETENTION, text)
    assert state.load(raw_redis) == State()


def test_a_round_begins_when_it_is_time_and_not_while_one_is_under_way() -> None:
    waiting = State(None, 10.0, limits=SMALL)
    assert waiting.begun(SMALL, 9.0).round is None
    begun = waiting.begun(SMALL, 11.0)
    assert begun.round == Round(11.0)
    assert begun.begun(SMALL, 99.0) is begun


def test_a_changed_limit_counts_at_once() -> None:
    for before in (State(None, 10.0, limits=SMALL), State(Round(1.0, cursor="speech/ab"), limits=SMALL)):
        assert before.begun(Limits(None, 999), 2.0) == State(Round(2.0), limits=Limits(None, 999))


def test_after_a_round_that_found_too_much_the_next_one_begins_at_once() -> None:
    done = Round(1.0, left_bytes=5000, hours={7: 5000})
    after = State(done).ended(SMALL, 2.0)
    assert after.round == Round(2.0, Room(7, 4000))
    assert after.last is not None
    assert after.last.bytes == 5000


def test_a_round_that_could_make_no_room_is_not_repeated_without_a_pause() -> None:
    done = Round(1.0, Room(7, 4000), left_bytes=5000, hours={7: 5000})
    after = State(done).ended(SMALL, 2.0)
    assert (after.round, after.next_s) == (None, 2.0 + EVERY_S)


@pytest.mark.parametrize(
    ("limits", "busy_s", "pause"),
    [
        (Limits(30 * 86400.0, None), 1.0, EVERY_BY_AGE_S),
        (Limits(30 * 86400.0, 1000), 1.0, EVERY_S),
        (Limits(60.0, 1000), 0.1, 6.0),
        (Limits(None, 1000), 1000.0, 5000.0),
    ],
)
def test_the_pause_follows_the_limits_and_the_work(limits: Limits, busy_s: float, pause: float) -> None:
    assert pause_s(limits, busy_s) == pause
