"""Nobody is given what a living holder has: when Redis was away, replaced, or its clock jumped, holders come first."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from tasks.redis import keys
from tests.fixtures.waiting import WaitUntil, crowding
from tests.unit.workers.transport.conftest import end_leases, message
from workers.transport import leases as leases_module
from workers.transport.leases import Leases
from workers.transport.renewal import unwatched_s

LeasesFor = Callable[..., Leases]
LEASE_S = 1.0
GAP_S = unwatched_s(LEASE_S)


def _now_ms(client: Any) -> float:
    seconds, micros = client.time()
    return float(seconds * 1000 + micros / 1000)


def _hold(client: Any, leases: Leases, tag: str = "a") -> None:
    client.lpush("q", message(tag=tag))
    assert len(leases.reserve(["q"], 1).taken) == 1


@pytest.fixture
def watched(redis_client: Any, leases_for: LeasesFor) -> Leases:
    """A living worker's leases, at a server that has been watched all the time."""
    one = leases_for("watcher", LEASE_S)
    assert one.reclaim(10, "server", GAP_S) == []
    return one


def test_a_lease_that_ends_while_all_goes_well_is_reclaimed_at_its_end(
    redis_client: Any, leases_for: LeasesFor, watched: Leases, wait_until: WaitUntil
) -> None:
    _hold(redis_client, leases_for("dead", 0.5))
    began = time.monotonic()
    wait_until(lambda: watched.reclaim(10, "server", GAP_S) == ["dead"], what="the reclaim")
    assert time.monotonic() - began < (0.5 + LEASE_S * 0.9) * crowding(), "and not a whole lease later"


@pytest.mark.parametrize(
    "how", ["another server", "nobody looked", "the clock was set forward", "set back", "first look"]
)
def test_nothing_is_reclaimed_for_one_lease_when_holders_had_no_chance_to_renew(
    how: str, redis_client: Any, leases_for: LeasesFor, watched: Leases, wait_until: WaitUntil
) -> None:
    alive, dead = leases_for("alive"), leases_for("dead")
    _hold(redis_client, alive, "alive's")
    _hold(redis_client, dead, "dead's")
    end_leases(redis_client, "alive's", "dead's")
    match how:
        case "nobody looked" | "the clock was set forward":  # to the server they are the same
            redis_client.hset(keys.BEAT, "at", _now_ms(redis_client) - GAP_S * 1000 - 100)
        case "set back":
            redis_client.hset(keys.BEAT, "at", _now_ms(redis_client) + 3_600_000)
        case "first look":
            redis_client.delete(keys.BEAT)
    server = "another" if how == "another server" else "server"
    assert watched.reclaim(10, server, GAP_S) == []
    back = time.monotonic()
    assert alive.renew(["alive's"]) == set()
    wait_until(lambda: watched.reclaim(10, server, GAP_S) == ["dead"], what="the reclaim of the dead one's")
    assert time.monotonic() - back >= LEASE_S * 0.9
    assert redis_client.hkeys(keys.HELD) == ["alive's"]


def test_a_lease_written_by_a_clock_that_was_ahead_does_not_last_for_ever(
    redis_client: Any, leases_for: LeasesFor, watched: Leases, wait_until: WaitUntil
) -> None:
    _hold(redis_client, leases_for("dead", 3600.0))
    assert watched.reclaim(10, "promoted", GAP_S) == []
    wait_until(lambda: watched.reclaim(10, "promoted", GAP_S) == ["dead"], 5 * LEASE_S, "the reclaim")


def test_a_wall_clock_that_jumps_moves_no_lease(
    redis_client: Any, leases_for: LeasesFor, watched: Leases, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = leases_for("one", 30.0)
    for jump_s in (-86_400.0, 86_400.0):
        monkeypatch.setattr(time, "time", lambda jump_s=jump_s, real=time.time: real() + jump_s)
        began = _now_ms(redis_client)
        _hold(redis_client, one, f"tag {jump_s}")
        one.renew(one.held_keys())
        assert watched.reclaim(10, "server", GAP_S) == []
        ends = [end for _, end in redis_client.zrange(keys.LEASES, 0, -1, withscores=True)]
        assert all(began + 29_999 <= end <= _now_ms(redis_client) + 30_001 for end in ends)


def test_what_comes_later_than_its_lease_is_given_back_and_not_run(
    redis_client: Any, leases_for: LeasesFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    frozen = leases_for("frozen", 3.0)
    redis_client.lpush("q", message(tag="a"))
    clock = iter((0.0, 10.0))
    with monkeypatch.context() as patch:
        patch.setattr(leases_module, "steady_s", lambda: next(clock))
        assert frozen.reserve(["q"], 1).taken == []
    assert frozen.held_keys() == ()
    frozen.flush()
    assert redis_client.llen("q") == 1
    assert not redis_client.exists(keys.HELD)
