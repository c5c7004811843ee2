"""What waits is shared: no slot takes more than its share while another is idle, and none waits for the dead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tasks.redis import keys
from tests.fixtures.waiting import WaitUntil
from tests.unit.workers.transport.conftest import message
from workers.transport.leases import Leases, Share

BATCH = 2
SHARE = Share(keys.idle("q"), BATCH)
LISTS = ["q", "q\x06\x163"]

LeasesFor = Callable[..., Leases]


@pytest.fixture
def slots(leases_for: LeasesFor) -> list[Leases]:
    return [leases_for(name) for name in ("one", "two", "three")]


def take(slot: Leases, k: int = 2 * BATCH) -> int:
    """How many a slot takes that asks for two batches."""
    return len(slot.reserve(LISTS, k, SHARE).taken)


def send(client: Any, count: int, to: str = LISTS[0], **headers: Any) -> None:
    for _ in range(count):
        client.lpush(to, message(**headers))


def test_one_slot_alone_takes_all_that_it_asks_for(slots: list[Leases], redis_client: Any) -> None:
    send(redis_client, 9)
    assert take(slots[0]) == 2 * BATCH


def test_what_comes_is_divided_among_idle_slots(slots: list[Leases], redis_client: Any) -> None:
    assert [take(slot) for slot in slots] == [0, 0, 0]
    send(redis_client, 3)
    assert [take(slot) for slot in slots] == [1, 1, 1]


def test_a_slot_that_nothing_waits_for_holds_nothing_back(slots: list[Leases], redis_client: Any) -> None:
    first, second, third = slots
    for slot in (first, second, first, second):
        found = slot.reserve(LISTS, 4, SHARE)
        assert (found.taken, found.held_back, found.more) == ([], False, False), "idle beside an idle one"
    send(redis_client, 1)
    assert take(third) == 1
    assert not third.reserve(LISTS, 3, SHARE).held_back, "busy beside idle ones"


def test_messages_of_every_priority_count_and_an_odd_one_is_left_to_nobody(
    slots: list[Leases], redis_client: Any
) -> None:
    first, second, _ = slots
    assert (take(first), take(second)) == (0, 0)
    send(redis_client, 2, LISTS[0])
    send(redis_client, 1, LISTS[1])
    assert (take(first), take(second)) == (2, 1)


def test_a_slot_with_work_in_hand_leaves_a_batch_to_each_idle_one(slots: list[Leases], redis_client: Any) -> None:
    busy, idle, _ = slots
    send(redis_client, 1)
    assert take(busy) == 1
    assert take(idle) == 0
    send(redis_client, BATCH)
    held = busy.reserve(LISTS, 3, SHARE)
    assert (len(held.taken), held.held_back, held.more) == (0, True, False)
    send(redis_client, 1)
    assert take(busy, 3) == 1, "what is more than a batch is nobody's"
    assert take(idle) == BATCH


def test_messages_that_wait_for_their_eta_are_nobodys_share(slots: list[Leases], redis_client: Any) -> None:
    assert [take(slot) for slot in slots] == [0, 0, 0]
    send(redis_client, 3)
    send(redis_client, 9, eta="2100-01-01T00:00:00Z")
    assert [take(slot) for slot in slots] == [1, 1, 1]
    assert redis_client.zcard(keys.DELAYED) == 9


def test_who_took_work_is_idle_no_more(slots: list[Leases], redis_client: Any) -> None:
    first, second, _ = slots
    assert (take(first), take(second)) == (0, 0)
    send(redis_client, 2)
    assert (take(first), take(second)) == (1, 1)
    send(redis_client, 3)
    held = first.reserve(LISTS, 3, SHARE)
    assert (len(held.taken), held.held_back) == (3, False)


def test_an_idle_slot_that_does_not_come_holds_nothing_back_for_long(
    slots: list[Leases], redis_client: Any, wait_until: WaitUntil
) -> None:
    busy, dead, _ = slots
    send(redis_client, 1)
    assert take(busy) == 1
    assert take(dead) == 0
    send(redis_client, 1)
    assert take(busy) == 0
    wait_until(lambda: take(busy), limit_s=5, what="the work that was left to a dead slot")


def test_who_is_no_slot_takes_what_it_asks_for_and_only_sending_marks_nobody(
    slots: list[Leases], redis_client: Any
) -> None:
    idle, other, _ = slots
    assert take(idle) == 0
    send(redis_client, 2)
    other.ack("gone")
    other.flush()
    assert len(other.reserve(LISTS, 2).taken) == 2
    assert redis_client.zrange(SHARE.idle_key, 0, -1) == [idle.holder]


def test_a_full_redis_refuses_no_slot_that_finds_nothing(slots: list[Leases], redis_client: Any) -> None:
    redis_client.config_set("maxmemory", 1)
    try:
        assert take(slots[0]) == 0
    finally:
        redis_client.config_set("maxmemory", 0)
