"""What the parent makes of its child's messages and of its end. The line is real, the child's end is the test's."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from kombu.asynchronous import Hub

from tasks.catalog import parse
from tasks.offers import Published
from tests.fixtures.waiting import WaitUntil
from workers.parent.restart_policy import GB, Recycling
from workers.parent.supervisor import Supervisor
from workers.wire.link import ChildEnd, ParentEnd, pair
from workers.wire.messages import (
    AskStatus,
    FailedToLoad,
    FromChild,
    Loaded,
    MemoryUsed,
    RegistryHolds,
    RegistryOffer,
    StandsBy,
    StateEntered,
    Status,
    VariantLoadBegan,
    VariantLoadEnded,
    WaitsForTurn,
)
from workers.wire.spec import SlotSpec
from workers.wire.state import State

LOAD_LIMIT_S = 0.2
NO_PROCESS = 2**22 + 1
"""Beyond what Linux numbers its processes by."""
OFFER = Published("m", "rehearsal", "1", 22050)


class Heard:
    """A listener that notes what it hears."""

    def __init__(self) -> None:
        self.all: list[Any] = []

    def ready(self, loaded: Loaded | None) -> None:
        """Noted."""
        self.all.append(("ready", loaded))

    def offers(self, offer: Published) -> None:
        """Noted."""
        self.all.append(("offers", offer))

    def holds(self) -> None:
        """Noted."""
        self.all.append("holds")

    def gone(self) -> None:
        """Noted."""
        self.all.append("gone")

    def ran(self, failed: Sequence[str], worked: bool) -> None:
        """Noted."""
        self.all.append(("ran", failed, worked))

    def takes(self, parts: int) -> None: ...

    def given_up(self, reason: str) -> None:
        """Noted."""
        self.all.append(("given up", reason))


class Supervised:
    """A supervisor with a listener, and the child's end of its line."""

    def __init__(self, table: str = "", pid: int = NO_PROCESS) -> None:
        entry = parse(f'[models.m]\nadapter = "rehearsal"\n{table}', "here", Path())["m"]
        self.loop = Hub()
        self.heard = Heard()
        self.supervisor = Supervisor(
            SlotSpec(entry, "cpu", "m-cpu-0@here", 1, load_attempts=2), self.loop, lambda: None
        )
        self.supervisor.listener = self.heard
        self._ends: list[ParentEnd | ChildEnd] = []
        self.start(pid)

    def start(self, pid: int = NO_PROCESS) -> None:
        """A child is forked."""
        parents, self.child = pair()
        self._ends += [parents, self.child]
        self.supervisor.started(pid, parents)

    def say(self, *messages: FromChild) -> None:
        """The child sends these, and the parent takes them in."""
        for message in messages:
            self.child.send(message)
        self.supervisor.catch_up()

    def close(self) -> None:
        """Leave nothing open."""
        for end in self._ends:
            end.close()
        self.loop.close()

    def end(self, exitcode: int = -9) -> None:
        """The child ends, and is collected."""
        self.child.close()
        self.supervisor.ended(exitcode)


@pytest.fixture
def supervised(own_environment: None) -> Iterator[Supervised]:
    """A child that has just been forked."""
    made = Supervised()
    yield made
    made.close()


def test_a_child_that_has_loaded_serves(supervised: Supervised) -> None:
    supervisor = supervised.supervisor
    assert (supervisor.state, supervisor.is_loading, supervisor.stands_by) == (State.LOADING, True, False)
    supervised.say(StateEntered(State.LOADING), StateEntered(State.WARMING))
    assert (supervisor.state, supervised.heard.all) == (State.WARMING, [])
    loaded = Loaded(1.5, OFFER)
    supervised.say(loaded)
    assert (supervisor.state, supervisor.is_loading, supervisor.stands_by) == (State.READY, False, True)
    assert supervised.heard.all == [("ready", loaded)]


def test_a_child_says_how_much_memory_it_uses_and_one_that_is_too_large_from_the_start_is_named(
    supervised: Supervised, caplog: pytest.LogCaptureFixture
) -> None:
    supervised.supervisor.recycling = recycling = Recycling(1.0)
    recycling.started()
    supervised.say(Loaded(0.1, rss_bytes=GB // 2), MemoryUsed(2 * GB))
    assert recycling.is_due
    recycling.started()
    supervised.say(Loaded(0.1, rss_bytes=2 * GB))
    assert not recycling.is_due
    assert "recycle_rss_gb = 1 is less than the 2.00 GB" in caplog.text


def test_a_child_that_stands_by_serves_and_its_model_is_loaded_first(supervised: Supervised) -> None:
    supervised.say(StandsBy())
    assert (supervised.supervisor.must_load, supervised.heard.all) == (True, [("ready", None)])
    supervised.say(StateEntered(State.LOADING))
    assert not supervised.supervisor.must_load
    assert supervised.supervisor.is_loading


def test_offers_are_passed_on(supervised: Supervised) -> None:
    supervised.say(Loaded(0.1), RegistryOffer(OFFER))
    assert supervised.heard.all[1:] == [("offers", OFFER)]


def test_what_is_loaded_is_known_until_the_child_ends_and_each_change_is_passed_on(supervised: Supervised) -> None:
    holds = RegistryHolds(("anna",), 3, 0.5)
    supervised.say(Loaded(0.1), holds)
    assert (supervised.supervisor.holds, supervised.supervisor.is_loaded) == (holds, True)
    supervised.say(StateEntered(State.UNLOADING), StateEntered(State.UNLOADED))
    assert supervised.heard.all[1:] == ["holds", "holds", "holds"]
    assert (supervised.supervisor.load_s, supervised.supervisor.is_loaded) == (0.1, False)
    supervised.end(1)
    assert supervised.supervisor.holds is None


def test_a_load_that_fails_is_tried_again_after_a_pause_and_then_given_up_with_its_reason(
    supervised: Supervised,
) -> None:
    supervised.say(StateEntered(State.LOADING), FailedToLoad("ModelLoadError: gone", is_permanent=False))
    supervised.end(1)
    assert supervised.heard.all == ["gone"]
    assert not supervised.supervisor.may_start, "the pause runs"
    supervised.start()
    supervised.say(FailedToLoad("ModelLoadError: gone", is_permanent=False))
    supervised.end(1)
    assert supervised.heard.all[-1] == ("given up", "model m: cannot load it (tried 2 times): ModelLoadError: gone")
    assert supervised.supervisor.state is State.FAILED


def test_a_failure_that_is_permanent_is_not_tried_again(supervised: Supervised) -> None:
    supervised.say(FailedToLoad("MissingExtra: pip install it", is_permanent=True))
    supervised.end(1)
    assert supervised.heard.all[-1][0] == "given up"


def test_a_child_that_dies_after_its_load_is_replaced_at_once(supervised: Supervised) -> None:
    supervised.say(Loaded(0.1))
    supervised.end()
    assert supervised.heard.all[-1] == "gone"
    assert supervised.supervisor.may_start
    assert (supervised.supervisor.state, supervised.supervisor.stands_by) == (State.UNLOADED, False)


def test_what_a_child_said_before_it_died_is_heard_before_its_end(supervised: Supervised) -> None:
    supervised.child.send(Loaded(0.1))
    supervised.end()
    assert [one if isinstance(one, str) else one[0] for one in supervised.heard.all] == ["ready", "gone"]
    assert supervised.supervisor.restarts.deaths == 1, "a death, not a failed load"


def test_an_answer_is_found_among_the_other_messages_and_an_old_one_is_none(supervised: Supervised) -> None:
    supervised.child.send(Status(0, {"state": "old"}))
    supervised.child.send(Loaded(0.1))
    supervised.child.send(Status(1, {"state": "ready"}))
    assert supervised.supervisor.ask_status(5.0) == {"state": "ready"}
    assert supervised.child.pending(1.0) == [AskStatus(1)]
    assert supervised.supervisor.state is State.READY, "heard along with the answer"
    assert supervised.supervisor.ask_status(0.0) is None


def test_a_child_that_is_gone_is_asked_nothing(supervised: Supervised) -> None:
    supervised.end()
    assert supervised.supervisor.ask_status(5.0) is None


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    """A process that does nothing, in the child's place."""
    with subprocess.Popen(["sleep", "60"]) as made:
        yield made
        made.kill()


def test_a_load_beyond_its_limit_is_killed_unless_it_waits_for_others(
    own_environment: None, process: subprocess.Popen[bytes], wait_until: WaitUntil
) -> None:
    supervised = Supervised(f"load_limit_s = {LOAD_LIMIT_S}", pid=process.pid)

    def is_killed() -> bool:
        supervised.loop.fire_timers()
        return process.poll() is not None

    supervised.say(WaitsForTurn("other@here"))
    assert supervised.supervisor.state is State.UNLOADED
    after = time.monotonic() + 2 * LOAD_LIMIT_S
    wait_until(lambda: is_killed() or time.monotonic() > after)
    assert not is_killed()
    supervised.say(StateEntered(State.LOADING))
    wait_until(is_killed, 5.0, "the overdue child to be killed")
    assert process.returncode == -signal.SIGKILL
    supervised.end()
    supervised.start()
    supervised.end(1)
    assert "tried 2 times" in supervised.heard.all[-1][1]
    supervised.close()


def test_a_preloaded_model_whose_loads_kill_the_child_costs_the_others_nothing(supervised: Supervised) -> None:
    for _ in range(2):
        assert "given up" not in [one[0] for one in supervised.heard.all if one != "gone"]
        supervised.say(StateEntered(State.LOADING), VariantLoadBegan("anna"))
        supervised.end()
        supervised.start()
    assert supervised.supervisor.variants.refused == {"anna"}
    supervised.say(FailedToLoad("ModelLoadError: gone", is_permanent=False))
    supervised.end(1)
    assert supervised.supervisor.state is State.UNLOADED, "the count of failed loads began again"


def test_a_small_model_whose_loads_kill_the_child_is_refused(supervised: Supervised) -> None:
    for _ in range(2):
        supervised.say(Loaded(0.1), VariantLoadBegan("anna"))
        supervised.end()
        supervised.start()
    assert supervised.supervisor.variants.refused == {"anna"}
    supervised.say(VariantLoadBegan("anna"), VariantLoadEnded("anna", is_loaded=True))
    assert supervised.supervisor.variants.refused == frozenset()
