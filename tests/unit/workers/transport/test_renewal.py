"""One step at a time: what is renewed, what is given back, what is reclaimed. Real Redis, a clock that is passed in."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from redis import BusyLoadingError
from redis import ConnectionError as RedisConnectionError
from redis.sentinel import MasterNotFoundError

from tasks.redis import keys
from tests.fixtures.waiting import WaitUntil
from tests.unit.workers.transport.conftest import end_leases, message
from workers.transport import renewal as renewal_module
from workers.transport.leases import Leases
from workers.transport.renewal import Renewal, server_refuses_all

LeasesFor = Callable[..., Leases]


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def _take(client: Any, leases: Leases, *tags: str) -> None:
    for tag in tags:
        client.lpush("q", message(tag=tag))
    assert len(leases.reserve(["q"], len(tags)).taken) == len(tags)


def _ends(client: Any) -> dict[str, float]:
    return dict(client.zrange(keys.LEASES, 0, -1, withscores=True))


def test_only_what_a_request_stands_for_is_renewed(redis_client: Any, leases_for: LeasesFor) -> None:
    one = leases_for()
    _take(redis_client, one, "request", "none")
    before = _ends(redis_client)
    one.lease_s = 60.0
    Renewal(one, existing=lambda: {"request"}).step()
    after = _ends(redis_client)
    assert after["request"] > before["request"] + 20_000
    assert after["none"] == before["none"]


def test_nothing_is_renewed_while_the_child_is_gone(redis_client: Any, leases_for: LeasesFor) -> None:
    one = leases_for()
    _take(redis_client, one, "request")
    before = _ends(redis_client)
    one.lease_s = 60.0
    Renewal(one, existing=lambda: {"request"}, child_is_alive=lambda: False).step()
    assert _ends(redis_client) == before


def test_what_was_dropped_goes_back_to_the_front_after_the_grace(redis_client: Any, leases_for: LeasesFor) -> None:
    one, clock = leases_for(), Clock()
    _take(redis_client, one, "a", "b")
    existing = {"a", "b"}
    renewal = Renewal(one, existing=lambda: existing, now=clock)
    renewal.step()
    existing.clear()
    renewal.step()
    assert one.held_keys() == ("a", "b")
    existing.add("b")  # it was only on its way
    clock.now += renewal_module.GRACE_S
    renewal.step()
    assert one.held_keys() == ("b",)
    assert redis_client.llen("q") == 1


def test_a_lost_lease_is_logged_once_and_its_message_left_to_the_other(
    redis_client: Any, leases_for: LeasesFor, caplog: pytest.LogCaptureFixture
) -> None:
    late, other = leases_for("late"), leases_for("other")
    _take(redis_client, late, "a")
    end_leases(redis_client, "a")
    assert other.reclaim(10) == ["late"]
    other.reserve(["q"], 1)
    renewal = Renewal(late, existing=lambda: {"a"})
    renewal.step()
    renewal.step()
    assert [record.getMessage() for record in caplog.records if "a has ended" in record.getMessage()] != []
    assert sum("lease on message a" in record.getMessage() for record in caplog.records) == 1
    assert redis_client.hget(keys.HELD, "a").startswith("other\n")


def test_any_workers_beat_reclaims_what_a_dead_one_held(
    redis_client: Any, leases_for: LeasesFor, wait_until: WaitUntil, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(renewal_module, "RECLAIM_BATCH", 2)
    tags = tuple("abcde")
    _take(redis_client, leases_for("dead"), *tags)
    end_leases(redis_client, *tags)
    one = leases_for("one")
    renewal = Renewal(one, existing=set)

    def is_back() -> bool:
        renewal.step()
        return bool(redis_client.llen("q") == 5)

    wait_until(is_back, what="the reclaim")
    assert [held.key for held in one.reserve(["q"], 5).taken] == list(tags)


def test_at_the_end_everything_goes_back_in_its_old_order(redis_client: Any, leases_for: LeasesFor) -> None:
    one = leases_for()
    _take(redis_client, one, "a", "b", "c")
    Renewal(one, existing=lambda: {"a"}).finish()
    assert not redis_client.exists(keys.HELD)
    assert [held.key for held in leases_for("two").reserve(["q"], 3).taken] == ["a", "b", "c"]


class Away:
    """In a client's place: a server that is not there, in the way that `why` says."""

    def __init__(self, why: Exception) -> None:
        self.why = why

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise self.why


def _caused(why: Exception, by: Exception) -> Exception:
    why.__cause__ = by
    return why


SILENT = RedisConnectionError("Timeout connecting to server")
REFUSED = _caused(RedisConnectionError("Error 111"), ConnectionRefusedError(111, "Connection refused"))


def _renewal(leases: Leases, clock: Clock) -> tuple[Renewal, list[float]]:
    killed: list[float] = []
    renewal = Renewal(leases, lambda: {"a"}, kill_child=lambda: killed.append(clock.now), now=clock)
    return renewal, killed


def test_a_holder_that_could_not_renew_for_a_lease_kills_its_child_once(
    redis_client: Any, leases_for: LeasesFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, clock = leases_for("one", 3.0), Clock()
    _take(redis_client, one, "a")
    renewal, killed = _renewal(one, clock)
    monkeypatch.setattr(one, "renew", Away(SILENT))
    for now in (1.0, 2.0, 3.0, 3.5, 4.0, 5.0):
        clock.now = now
        if not killed:
            with contextlib.suppress(RedisConnectionError):
                renewal.step()
    assert killed == [3.5]


def test_a_thawed_holder_kills_its_child_before_it_asks_redis_anything(
    redis_client: Any, leases_for: LeasesFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, clock = leases_for("one", 3.0), Clock()
    _take(redis_client, one, "a")
    renewal, killed = _renewal(one, clock)
    renewal.step()
    clock.now = 60.0
    monkeypatch.setattr(one, "_run", Away(AssertionError("it asked")))
    renewal.renew()
    assert killed == [60.0]


def test_a_holder_frozen_between_question_and_answer_kills_its_child(
    redis_client: Any, leases_for: LeasesFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, clock = leases_for("one", 3.0), Clock()
    _take(redis_client, one, "a")
    renewal, killed = _renewal(one, clock)
    renew = one.renew

    def frozen(tags: Any) -> set[str]:
        answer = renew(tags)
        clock.now += 10.0
        return answer

    monkeypatch.setattr(one, "renew", frozen)
    renewal.step()
    assert killed == [10.0]


def test_a_server_that_refuses_everybody_costs_no_child_unless_the_lease_is_lost(
    redis_client: Any, leases_for: LeasesFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, clock = leases_for("one", 3.0), Clock()
    _take(redis_client, one, "a")
    renewal, killed = _renewal(one, clock)
    with monkeypatch.context() as patch:
        patch.setattr(one, "renew", Away(REFUSED))
        for _ in range(20):
            clock.now += 1.0
            with contextlib.suppress(RedisConnectionError):
                renewal.step()
    renewal.step()
    assert killed == []
    with monkeypatch.context() as patch:
        patch.setattr(one, "renew", Away(REFUSED))
        with contextlib.suppress(RedisConnectionError):
            renewal.step()
    redis_client.delete(keys.HELD, keys.LEASES)  # as if another server had been put in its place
    clock.now += 20.0
    renewal.step()
    assert killed == [clock.now]


def test_a_holder_with_nothing_in_hand_kills_nothing(redis_client: Any, leases_for: LeasesFor) -> None:
    clock = Clock()
    renewal, killed = _renewal(leases_for("one", 3.0), clock)
    clock.now = 60.0
    renewal.step()
    assert killed == []


@pytest.mark.parametrize(
    ("error", "served"),
    [
        (REFUSED, True),
        (BusyLoadingError("Redis is loading the dataset in memory"), True),
        (MasterNotFoundError("No master found for 'mymaster'"), True),
        (
            MasterNotFoundError("No master found for 'mymaster' : s - TimeoutError('Timeout connecting to server')"),
            False,
        ),
        (SILENT, False),
        (RedisConnectionError("Connection closed by server."), False),
    ],
)
def test_silence_may_be_ones_own_but_a_refusal_is_everybodys(error: Exception, served: bool) -> None:
    assert server_refuses_all(error) is served


def test_what_a_lost_connection_dropped_goes_back_at_once_and_is_not_renewed(
    redis_client: Any, leases_for: LeasesFor
) -> None:
    one = leases_for()
    _take(redis_client, one, "runs", "dropped")
    renewal = Renewal(one, existing=lambda: {"runs"})
    renewal.look(grace_s=0.0)
    one.lease_s = 60.0
    renewal.renew()
    assert one.held_keys() == ("runs",)
    assert redis_client.llen("q") == 1
    assert list(_ends(redis_client)) == ["runs"]
