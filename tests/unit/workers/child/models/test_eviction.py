"""Which of many models goes: what is in use never, and no more than it takes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.catalog import ModelEntry
from workers.child.models.eviction import Bounds, Candidate, expired, first, next_expiry_s, room, victims

MODELS = st.lists(
    st.builds(
        Candidate,
        name=st.text("abcdefgh", min_size=1, max_size=4),
        size_bytes=st.integers(0, 100),
        uses=st.integers(0, 5),
        used_at=st.floats(0, 1000),
        in_use=st.booleans(),
    ),
    max_size=12,
    unique_by=lambda one: one.name,
)
BOUNDS = st.builds(
    Bounds,
    max_models=st.integers(1, 8),
    max_bytes=st.none() | st.integers(1, 400),
    policy=st.sampled_from(["lru", "lfu"]),
)


@settings(deadline=None)
@given(MODELS, BOUNDS, st.integers(0, 1), st.integers(0, 100))
def test_what_goes_is_not_in_use_is_enough_and_is_not_more_than_enough(
    loaded: list[Candidate], bounds: Bounds, new_models: int, new_bytes: int
) -> None:
    gone = victims(loaded, bounds, new_models, new_bytes)
    by_name = {one.name: one for one in loaded}
    assert len(set(gone)) == len(gone)
    assert not any(by_name[name].in_use for name in gone)

    def fits(without: list[str]) -> bool:
        left = [one for one in loaded if one.name not in without]
        return bounds.hold(len(left) + new_models, sum(one.size_bytes for one in left) + new_bytes)

    free = [one for one in loaded if not one.in_use]
    assert fits(gone) or len(gone) == len(free), "enough, or all that may go"
    assert not gone or not fits(gone[:-1]), "the last one had to go as well"
    key = (lambda one: one.used_at) if bounds.policy == "lru" else (lambda one: (one.uses, one.used_at))
    kept = [key(one) for one in free if one.name not in gone]
    assert all(key(by_name[name]) <= least for name in gone for least in kept), "in the policy's order"


@settings(deadline=None)
@given(MODELS, st.floats(0, 2000), st.floats(0.1, 500))
def test_what_is_idle_expires_and_the_next_is_known(loaded: list[Candidate], now: float, idle_s: float) -> None:
    gone = expired(loaded, idle_s, now)
    assert gone == [one.name for one in loaded if not one.in_use and now - one.used_at >= idle_s]
    left = [one for one in loaded if one.name not in gone]
    next_s = next_expiry_s(left, idle_s, now)
    assert (next_s is None) == all(one.in_use for one in left)
    assert next_s is None or next_s >= 0


@pytest.mark.parametrize(("policy", "gone"), [("lru", ["old"]), ("lfu", ["rare"])])
def test_lru_takes_the_oldest_and_lfu_the_rarest(policy: str, gone: list[str]) -> None:
    loaded = [
        Candidate("old", 10, uses=9, used_at=1.0),
        Candidate("rare", 10, uses=1, used_at=5.0),
        Candidate("new", 10, 2, 9.0),
    ]
    assert victims(loaded, Bounds(3, None, policy), new_models=1) == gone


def test_room_is_what_fits_without_an_eviction_in_number_and_in_memory() -> None:
    loaded = [Candidate(name, 30, 1, 0.0) for name in "abc"]
    assert [room(loaded, Bounds(most)) for most in (16, 3, 2)] == [13, 0, 0]
    assert [room(loaded, Bounds(16, most)) for most in (200, 100, 50)] == [3, 0, 0]
    assert (room([], Bounds(16, 100)), room([Candidate("a", 0, 1, 0.0)], Bounds(16, 100))) == (16, 15)


def test_memory_may_cost_more_than_one() -> None:
    loaded = [Candidate(name, 30, 1, at) for at, name in enumerate("abc")]
    assert victims(loaded, Bounds(10, 100), new_models=1, new_bytes=60) == ["a", "b"]


@settings(deadline=None)
@given(MODELS, BOUNDS)
def test_what_goes_first_is_the_first_of_those_that_make_room(loaded: list[Candidate], bounds: Bounds) -> None:
    all_idle = [one.name for one in loaded if not one.in_use]
    found = first(loaded, bounds)
    assert found == next(iter(victims(loaded, Bounds(0, None, bounds.policy))), None)
    assert found in all_idle or (found is None and not all_idle)


def test_the_limits_are_those_of_the_table() -> None:
    entry = ModelEntry(name="m", adapter="a", path="{id}", max_models=3, max_memory_gb=0.5, eviction_policy="lfu")
    assert Bounds.of(entry) == Bounds(3, 2**29, "lfu")
    assert Bounds.of(ModelEntry(name="m", adapter="a", path="{id}")) == Bounds(16, None, "lru")
