"""A slot leaves a message to the slots that have its model, until the wait exceeds a load. Time is moved on by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tasks.messages.variants import HEADER
from tasks.redis import keys
from tests.unit.workers.transport.conftest import message
from workers.transport.holdings import Holding, Holdings
from workers.transport.leases import Leases, Reserved, Share

LOAD_S = 2.0
LISTS = ["q", "q\x06\x163"]
REGISTRY = Share(keys.idle("q"), 1, "registry", "usual")

LeasesFor = Callable[..., Leases]


class Slots:
    """Slots of one queue, by name, each a registry that has told what it holds."""

    def __init__(self, client: Any, leases_for: LeasesFor) -> None:
        self.client = client
        self.leases: dict[str, Leases] = {}
        self._holdings: dict[str, Holdings] = {}
        self._leases_for = leases_for

    def tell(self, name: str, words: str = "", room: int | None = 9, load_s: float | None = LOAD_S) -> None:
        if name not in self.leases:
            self.leases[name] = self._leases_for(name)
            self._holdings[name] = Holdings(self.client, name, "q", 60.0)
        self._holdings[name].tell(Holding(frozenset(words.split()), room, load_s))

    def one_model(self, name: str, is_loaded: bool) -> None:
        self.tell(name, room=None)
        self._holdings[name].tell(Holding(frozenset([""]) if is_loaded else frozenset(), None, LOAD_S))

    def reserve(self, name: str, k: int = 1, share: Share = REGISTRY) -> Reserved:
        return self.leases[name].reserve(LISTS, k, share)

    def take(self, name: str, k: int = 1, share: Share = REGISTRY) -> list[str]:
        """The keys of what it took."""
        return [one.key for one in self.reserve(name, k, share).taken]

    def finish(self, name: str) -> None:
        for key in self.leases[name].held_keys():
            self.leases[name].ack(key)
        self.leases[name].flush()

    def send(self, *words: str, to: str = LISTS[0]) -> None:
        """A message for each: its tag is its number and its word, which it needs; `-` says nothing."""
        for word in words:
            number = self.client.incr("number")
            headers: dict[str, Any] = {} if word == "-" else {HEADER: word}
            self.client.lpush(to, message(tag=f"{number}{word}", **headers))

    def pass_s(self, seconds: float, overtaken: int = 0) -> None:
        """All that was left to others has waited for so much longer, and was overtaken so much more often."""
        for tag, mark in self.client.hgetall(keys.left("q")).items():
            since, ahead, count = mark.split()
            later = f"{int(since) - int(seconds * 1000)} {ahead} {int(count) + overtaken}"
            self.client.hset(keys.left("q"), tag, later)

    def end_idle(self) -> None:
        self.client.delete(keys.idle("q"))


@pytest.fixture
def slots(redis_client: Any, leases_for: LeasesFor) -> Slots:
    return Slots(redis_client, leases_for)


def test_what_another_slot_holds_is_left_to_it_and_each_takes_its_own_in_order(slots: Slots) -> None:
    slots.tell("one", "a b")
    slots.tell("two", "c d")
    slots.send("c", "d", "a", "b", "c", "a")
    assert slots.take("one", 9) == ["3a", "4b", "6a"]
    assert slots.take("two", 9) == ["1c", "2d", "5c"]
    assert not slots.client.exists(keys.left("q"), *LISTS)


def test_an_idle_slot_leaves_it_until_the_wait_exceeds_a_load_and_is_a_holder_then(slots: Slots) -> None:
    slots.tell("one", "a")
    slots.tell("two")
    slots.send("a", "a")
    found = slots.reserve("two", 2)
    assert (found.taken, found.held_back, found.more) == ([], True, False)
    slots.pass_s(LOAD_S - 0.5)
    assert slots.take("two") == []
    slots.pass_s(0.6)
    assert slots.take("two") == ["1a"]
    assert slots.take("two") == ["2a"], "what it loads, it takes"
    assert set(slots.client.zrange(keys.loaded("q", "a"), 0, -1)) == {"one", "two"}


def test_a_slot_without_room_waits_for_two_loads_because_another_model_has_to_go(slots: Slots) -> None:
    slots.tell("one", "a")
    slots.tell("two", "b", room=0)
    slots.send("a")
    assert slots.take("two") == []
    slots.pass_s(1.5 * LOAD_S)
    assert slots.take("two") == []
    slots.pass_s(LOAD_S)
    assert slots.take("two") == ["1a"]


def test_a_slot_without_room_takes_a_model_over_and_its_former_holder_loads_what_had_to_go(slots: Slots) -> None:
    slots.tell("one", "a", room=0)
    slots.tell("two", "b", room=0)
    slots.send("a")
    assert slots.take("two") == []
    slots.pass_s(3 * LOAD_S)
    assert slots.take("two") == ["1a"]
    slots.tell("one", "a", room=0)
    slots.tell("two", "a", room=0)
    assert slots.client.zrange(keys.loaded("q", "a"), 0, -1) == ["two"]
    slots.send("a", "b")
    slots.finish("two")
    slots.end_idle()
    assert slots.take("two", 9) == ["2a"], "what it has unloaded is for the one whose model it took over"
    assert slots.take("one", 9) == ["3b"]
    slots.finish("one")
    slots.tell("one", "b", room=0)
    slots.end_idle()
    slots.send("c")
    assert slots.take("one", 9) == ["4c"], "all are full: anybody"


def test_the_former_holder_of_a_model_still_takes_its_messages_when_it_has_nothing_else_to_do(slots: Slots) -> None:
    slots.tell("one", "a", room=0)
    slots.tell("two", "b", room=0)
    slots.send("a", "a")
    assert slots.take("two") == []
    slots.pass_s(3 * LOAD_S)
    assert slots.take("two") == ["1a"]
    slots.end_idle()
    assert slots.take("one") == ["2a"]
    assert set(slots.client.zrange(keys.loaded("q", "a"), 0, -1)) == {"one", "two"}


def test_a_slot_with_work_of_its_own_goes_on_but_not_for_ever(slots: Slots) -> None:
    slots.tell("one", "a")
    slots.tell("two", "b")
    slots.send("a", *["b"] * 9)
    assert slots.take("two", 2) == ["2b", "3b"]
    slots.pass_s(5 * LOAD_S)
    assert slots.take("two") == ["4b"], "it was not overtaken often"
    slots.pass_s(0, overtaken=100)
    assert slots.take("two", 2) == ["1a", "5b"]


def test_what_waits_behind_a_load_of_its_holder_is_left_to_it_for_longer(slots: Slots) -> None:
    slots.tell("one", "a")
    slots.tell("two")
    slots.send("x", "a", "a")
    assert slots.take("one") == ["1x"]
    slots.end_idle()
    assert slots.take("two") == []
    slots.pass_s(1.5 * LOAD_S)
    assert slots.take("two") == [], "its holder loads"
    slots.tell("one", "a x")
    assert slots.take("two") == [], "it has just loaded what it had to, and comes for it now"
    slots.pass_s(3 * LOAD_S)
    assert slots.take("two") == ["2a"], "it waits far too long, whatever its holder does"


def test_a_busy_slot_loads_nothing_that_others_hold(slots: Slots) -> None:
    slots.tell("one", "a")
    slots.tell("two", "b")
    slots.send("b", "a")
    assert slots.take("two") == ["1b"]
    slots.pass_s(9 * LOAD_S)
    assert slots.take("two") == []


def test_the_progress_of_others_says_early_that_the_wait_will_exceed_a_load(slots: Slots) -> None:
    slots.tell("one", "a")
    slots.tell("two")
    slots.send(*["a"] * 400)
    slots.end_idle()
    assert slots.take("two") == []
    for _ in range(2):
        slots.take("one")
        slots.finish("one")
    slots.end_idle()
    slots.pass_s(0.3)
    assert slots.take("two") == ["3a"], "two in 0.3 s, so 400 take a minute"


def test_fast_progress_is_waited_for(slots: Slots) -> None:
    slots.tell("one", "a")
    slots.tell("two")
    slots.send(*["a"] * 60)
    slots.end_idle()
    assert slots.take("two") == []
    assert len(slots.take("one", 20)) == 20
    slots.pass_s(0.3)
    slots.end_idle()
    assert slots.take("two") == []


def test_what_nobody_holds_is_loaded_by_a_slot_with_room(slots: Slots) -> None:
    slots.tell("full", "a", room=0)
    slots.tell("new")
    slots.send("x")
    assert slots.take("full") == []
    assert slots.take("new") == ["1x"]
    slots.tell("new", room=0)
    slots.finish("new")
    slots.send("y")
    slots.end_idle()
    assert slots.take("full") == ["2y"], "where none has room, anybody"


def test_who_takes_a_message_counts_as_holder_and_as_one_model_fuller(slots: Slots) -> None:
    slots.tell("one", room=1)
    slots.tell("two", room=9)
    slots.send("x", "x", "y")
    slots.end_idle()
    assert slots.take("one") == ["1x"]
    assert slots.take("two", 3) == ["3y"]
    assert slots.take("one", 3) == ["2x"]
    slots.send("z")
    slots.tell("one", room=1)  # its load has not ended: what comes is not forgotten
    slots.end_idle()
    assert slots.take("one") == []


def test_a_slot_takes_no_more_than_two_models_that_it_has_to_load_at_a_time(slots: Slots) -> None:
    slots.tell("one")
    slots.send("v", "w", "x", "v", "y")
    assert slots.take("one", 9) == ["1v", "2w", "4v"]
    assert slots.take("one", 9) == []
    slots.tell("one", "v")
    assert slots.take("one", 9) == ["3x"]
    slots.finish("one")
    assert slots.take("one", 9) == ["5y"], "with nothing in its hand nothing is coming, whatever became of it"


def test_what_is_not_told_again_is_not_believed_and_what_is_gone_is_nobodys(slots: Slots) -> None:
    slots.tell("one", "a b")
    slots.tell("two")
    slots.send("a", "b", "b")
    slots.client.zadd(keys.loaded("q", "a"), {"one": 1})
    assert slots.take("two", 9) == ["1a"]
    slots.tell("one", "", room=None)
    slots.end_idle()
    assert slots.take("two", 9) == ["2b", "3b"]
    assert not slots.client.hexists(keys.room("q"), "one")


def test_what_says_nothing_needs_the_default_and_without_one_anybody_takes_it(slots: Slots) -> None:
    slots.tell("one", "usual")
    slots.tell("two")
    slots.send("-")
    assert slots.take("two") == []
    assert slots.take("two", 1, Share(keys.idle("q"), 1, "registry")) == ["1-"]


def test_a_priority_is_above_the_model_and_what_is_left_stops_no_other_list(slots: Slots) -> None:
    slots.tell("one", "a")
    slots.tell("two", "b")
    slots.send("b", "b", to=LISTS[1])
    slots.send("a", "x")
    assert slots.take("two", 3) == ["4x", "1b", "2b"]
    assert slots.take("one") == ["3a"]


def test_a_look_is_bounded(slots: Slots) -> None:
    slots.tell("one", "a")
    slots.tell("two", "b")
    slots.send(*["a"] * 70, "b")
    assert slots.take("two") == []
    assert slots.client.hlen(keys.left("q")) == 64


def test_of_a_paused_registry_nothing_is_taken_and_rubbish_is_set_aside(slots: Slots) -> None:
    slots.tell("one", "a")
    slots.tell("two")
    slots.client.hset(keys.PAUSED, "q", "{}")
    slots.send("a", "x")
    assert slots.take("two", 9) == []
    slots.client.hdel(keys.PAUSED, "q")
    slots.client.lpush("q", "rubbish")
    slots.client.lpush("q", message(tag="later", eta="2100-01-01T00:00:00Z", slotline_variant="y"))
    slots.end_idle()
    found = slots.reserve("two", 9)
    assert ([one.key for one in found.taken], len(found.set_aside)) == (["2x"], 1)
    assert slots.client.zcard(keys.DELAYED) == 1
    assert not slots.client.exists(keys.loaded("q", "y"))


ONE = {state: Share(keys.idle("q"), 2, state) for state in ("loaded", "unloaded")}


def test_a_slot_whose_model_is_unloaded_leaves_all_to_a_loaded_one_until_the_wait_exceeds_a_load(slots: Slots) -> None:
    slots.one_model("ready", True)
    slots.one_model("lazy", False)
    slots.send("-", "-")
    found = slots.reserve("lazy", 4, ONE["unloaded"])
    assert (found.taken, found.held_back) == ([], True)
    slots.pass_s(LOAD_S + 0.1)
    assert slots.take("lazy", 4, ONE["unloaded"]) == ["1-", "2-"]


def test_without_a_loaded_slot_an_unloaded_one_takes_at_once(slots: Slots) -> None:
    slots.one_model("lazy", False)
    slots.send("-")
    assert slots.take("lazy", 4, ONE["unloaded"]) == ["1-"]
    slots.one_model("ready", True)
    slots.one_model("ready", False)
    slots.send("-")
    slots.finish("lazy")
    assert slots.take("lazy", 4, ONE["unloaded"]) == ["2-"]


def test_a_loaded_slot_leaves_an_unloaded_one_only_what_it_cannot_begin_itself(slots: Slots) -> None:
    slots.one_model("ready", True)
    slots.one_model("lazy", False)
    assert slots.take("lazy", 4, ONE["unloaded"]) == []
    slots.send(*"----")
    assert slots.take("ready", 8, ONE["loaded"]) == ["1-", "2-"]
    assert slots.take("lazy", 4, ONE["unloaded"]) == []
    assert slots.take("ready", 8, ONE["loaded"]) == [], "a batch is left to an idle slot, as long as it runs its own"
    slots.finish("ready")
    assert slots.take("ready", 8, ONE["loaded"]) == ["3-", "4-"]


def test_two_loaded_slots_share_as_before(slots: Slots) -> None:
    for name in ("one", "two"):
        slots.one_model(name, True)
        assert slots.take(name, 4, ONE["loaded"]) == []
    slots.send("-", "-")
    assert [slots.take(name, 4, ONE["loaded"]) for name in ("one", "two")] == [["1-"], ["2-"]]


def test_a_full_redis_refuses_no_slot_its_own_work(slots: Slots) -> None:
    slots.tell("one", "a")
    slots.tell("two", "b")
    slots.send("a", "b", "x")
    slots.client.config_set("maxmemory", 1)
    try:
        assert slots.take("two", 3) == ["2b", "3x"]
    finally:
        slots.client.config_set("maxmemory", 0)
