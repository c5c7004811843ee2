"""What waits is shared: among idle slots, of which none waits for the dead, and among the lists of a queue.

No slot takes more than its share while another is idle. The more urgent list comes first, and none is starved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

from tasks.redis import keys
from tasks.routing import list_keys
from tests.fixtures.waiting import WaitUntil
from tests.unit.workers.transport.conftest import in_s, message
from workers.transport.holdings import THE_MODEL, Holding, Holdings
from workers.transport.leases import Leases, Share

BATCH = 2
SHARE = Share(keys.idle("q"), BATCH)
LISTS = ["q", "q\x06\x163"]

URGENT, OF_JOB, OF_BOOK, LAST = PRIORITIES = list_keys("q")

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


@pytest.mark.parametrize("waits", [0, 1])
def test_a_look_costs_as_many_commands_however_many_slots_are_idle(
    waits: int, redis_client: Any, leases_for: LeasesFor
) -> None:
    share = Share(SHARE.idle_key, BATCH, "loaded")
    counts = []
    for number in range(12):
        slot = leases_for(f"slot {number}")
        Holdings(redis_client, slot.holder, "q", 60.0).tell(Holding(frozenset([THE_MODEL])))
        slot.reserve(LISTS, 4, share)
        if number in (1, 11):
            send(redis_client, waits)
            redis_client.config_resetstat()
            assert len(slot.reserve(LISTS, 4, share).taken) == waits
            counts.append(sum(one["calls"] for one in redis_client.info("commandstats").values()))
            for key in slot.held_keys():
                slot.ack(key)
            slot.flush()
            slot.reserve(LISTS, 4, share)
    assert counts[0] == counts[1]


def test_a_full_redis_refuses_no_slot_that_finds_nothing(slots: list[Leases], redis_client: Any) -> None:
    redis_client.config_set("maxmemory", 1)
    try:
        assert take(slots[0]) == 0
    finally:
        redis_client.config_set("maxmemory", 0)


@pytest.fixture
def leases_that_share(broker: str) -> Iterator[Callable[[float], Leases]]:
    """`leases_that_share(fair_share)`: leases with this setting."""
    clients: list[redis.Redis] = []

    def make(fair_share: float) -> Leases:
        clients.append(redis.Redis.from_url(broker))
        return Leases(clients[-1], 30.0, "one", fair_share=fair_share)

    yield make
    for client in clients:
        client.close()


def counts(slots: list[Leases], sizes: list[int], taken: int) -> dict[str, int]:
    """How many came from each list, when slots take in turn, in batches of these sizes, until so many are taken."""
    found = dict.fromkeys(PRIORITIES, 0)
    turn = 0
    while sum(found.values()) < taken:
        slot, size = slots[turn % len(slots)], sizes[turn % len(sizes)]
        for held in slot.reserve(PRIORITIES, min(size, taken - sum(found.values()))).taken:
            found[held.queue_list] += 1
            slot.ack(held.key)
        turn += 1
    return found


@pytest.mark.parametrize("sizes", [[1], [7], [64], [1, 16, 3]])
def test_a_book_beside_constant_urgent_work_keeps_a_tenth_in_batches_of_any_size_over_all_slots(
    sizes: list[int], redis_client: Any, leases_for: LeasesFor
) -> None:
    send(redis_client, 250, URGENT)
    send(redis_client, 250, OF_BOOK)
    slots = [leases_for("one"), leases_for("two"), leases_for("three")]
    found = counts(slots, sizes, 200)
    assert (found[URGENT], found[OF_BOOK]) == (180, 20)


def test_each_less_urgent_list_keeps_a_tenth(redis_client: Any, leases_for: LeasesFor) -> None:
    for one in PRIORITIES:
        send(redis_client, 200, one)
    found = counts([leases_for()], [5], 200)
    assert [found[one] for one in PRIORITIES] == [pytest.approx(140, abs=2), *[pytest.approx(20, abs=1)] * 3]


@pytest.mark.parametrize(("fair_share", "of_book"), [(0.0, 0), (0.25, 20), (0.5, 40)])
def test_the_share_is_the_settings(
    fair_share: float, of_book: int, redis_client: Any, leases_that_share: Callable[[float], Leases]
) -> None:
    send(redis_client, 100, URGENT)
    send(redis_client, 100, OF_BOOK)
    assert counts([leases_that_share(fair_share)], [8], 80)[OF_BOOK] == of_book


def test_lists_that_ask_for_more_than_there_is_get_the_same(
    redis_client: Any, leases_that_share: Callable[[float], Leases]
) -> None:
    for one in PRIORITIES:
        send(redis_client, 100, one)
    found = counts([leases_that_share(0.5)], [8], 200)
    assert [found[one] for one in PRIORITIES] == [pytest.approx(50, abs=2)] * 4


def test_no_credit_is_gained_while_nothing_urgent_waits(redis_client: Any, leases_for: LeasesFor) -> None:
    """Else a book that ran alone all night would come before a person in the morning."""
    slot = leases_for()
    send(redis_client, 300, OF_BOOK)
    assert counts([slot], [10], 200)[OF_BOOK] == 200
    assert not redis_client.exists(keys.fair("q"))
    send(redis_client, 9, URGENT)
    assert counts([slot], [1], 9)[URGENT] == 9


def test_what_is_delayed_or_set_aside_uses_no_credit(redis_client: Any, leases_for: LeasesFor) -> None:
    send(redis_client, 100, URGENT)
    send(redis_client, 5, OF_BOOK, eta=in_s(redis_client, 3600))
    redis_client.lpush(OF_BOOK, "no message")
    send(redis_client, 20, OF_BOOK)
    assert counts([leases_for()], [10], 100)[OF_BOOK] == 10


def test_the_credit_is_kept_for_a_day(redis_client: Any, leases_for: LeasesFor) -> None:
    send(redis_client, 3, URGENT)
    send(redis_client, 3, OF_BOOK)
    counts([leases_for()], [1], 2)
    assert 0 < redis_client.pttl(keys.fair("q")) <= 86_400_000
    assert redis_client.hgetall(keys.fair("q")) == {"6": "200000"}
