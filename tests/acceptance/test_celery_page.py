"""What docs/celery.md says, tried on real workers: each remote control command does what its row says.

`tests/house/test_celery_page.py` compares the page with Celery's own lists.
"""

from __future__ import annotations

import importlib.util
from typing import Any

import pytest
from celery import Celery
from redis import Redis

from tests.fixtures.celery_page import Row, rows
from tests.fixtures.environment import UseCatalog
from tests.fixtures.processes import Process
from tests.fixtures.waiting import GIVE_UP_S, WaitUntil
from tests.fixtures.workers import StartPair

CATALOG = '[models.quick]\nadapter = "rehearsal"\n'
SLOT, FLOW = "quick-cpu-0@", "flow-0@"
NO_ID = "0b1d3f2a-none-of-these"
ARGUMENTS: dict[str, dict[str, Any]] = {
    "autoscale": {"max": 3, "min": 1},
    "election": {"id": NO_ID, "topic": "leader"},
    "hello": {"from_node": "somebody@else"},
    "query_task": {"ids": [NO_ID]},
    "rate_limit": {"task_name": "speech.paragraph", "rate_limit": "100/s"},
    "revoke": {"task_id": NO_ID},
    "revoke_by_stamped_headers": {"headers": {"stamp": [NO_ID]}},
    "slotline_cancel": {"ids": [NO_ID]},
    "slotline_model_timeout": {"seconds": 0},
    "terminate": {"task_id": NO_ID, "signal": "KILL"},
    "time_limit": {"task_name": "speech.chapter", "hard": 600, "soft": 500},
}
"""The arguments of those commands that need some; a queue's name is that of the worker."""


class Workers:
    """A slot worker and a flow worker, and what they answer to remote control."""

    def __init__(self, celery: Celery, slot: Process, flow: Process) -> None:
        self.celery, self.slot, self.flow = celery, slot, flow
        (self.slot_name,) = [name for answer in celery.control.ping() for name in answer if name.startswith(SLOT)]
        self.flow_name = FLOW + self.slot_name.partition("@")[2]

    def ask(self, command: str, is_slot: bool, **arguments: Any) -> Any:
        """One worker's answer."""
        name = self.slot_name if is_slot else self.flow_name
        answers: Any = self.celery.control.broadcast(
            command, arguments=arguments, destination=[name], reply=True, timeout=GIVE_UP_S, limit=1
        )
        return answers[0][name]

    def speak(self, text: str) -> Any:
        """One text that the slot speaks."""
        return self.celery.send_task("speech.paragraph", kwargs={"model": "quick", "text": text}, queue="quick")


@pytest.fixture
def workers(use_catalog: UseCatalog, start_pair: StartPair, foreign: Celery) -> Workers:
    use_catalog(CATALOG)
    flow, slot = start_pair("quick")
    return Workers(foreign, slot, flow)


def test_every_command_does_what_its_row_says(workers: Workers, raw_redis: Redis, wait_until: WaitUntil) -> None:
    listed = [row for row in rows("Remote control") if row.names != ("shutdown",)]
    for row in sorted(listed, key=lambda row: "add_consumer" in row.names):  # last: it ends what cancel_consumer began
        for name in row.names:
            for is_slot in (True, False):
                answer = workers.ask(name, is_slot, **arguments_of(name, is_slot))
                check(name, row, is_slot, answer)
    assert workers.speak("Still one model.").get(timeout=GIVE_UP_S)["computed"]
    assert len(workers.slot.children()) == 1, "pool_grow gave the slot no second model"
    wait_until(lambda: len(workers.flow.children()) == 1, what="the flow worker to have grown and shrunk again")
    no_other_queue(workers)
    pause_and_go_on(workers, raw_redis, wait_until)
    shut_down(workers)


def arguments_of(name: str, is_slot: bool) -> dict[str, Any]:
    if name in ("add_consumer", "cancel_consumer"):
        return {"queue": "quick" if is_slot else "flow"}
    return ARGUMENTS.get(name, {})


def check(name: str, row: Row, is_slot: bool, answer: Any) -> None:
    error = answer.get("error", "") if isinstance(answer, dict) else ""
    if name == "objgraph" and importlib.util.find_spec("objgraph") is None:
        assert "Requires the objgraph library" in error
        return
    assert bool(error) is row.is_refused(is_slot), f"{name} answers {answer}"
    assert "\n" not in error


def no_other_queue(workers: Workers) -> None:
    """A broadcast without a destination reaches the flow worker too, which must not eat the model's messages."""
    for command in ("add_consumer", "cancel_consumer"):
        for is_slot, queue in ((True, "flow"), (False, "quick"), (False, "celery")):
            error = workers.ask(command, is_slot, queue=queue)["error"]
            assert error.startswith(f"{command}: queue: this worker reads ")
    assert [one["name"] for one in workers.ask("active_queues", is_slot=False)] == ["flow"]


def pause_and_go_on(workers: Workers, redis: Redis, wait_until: WaitUntil) -> None:
    assert "ok" in workers.ask("cancel_consumer", is_slot=True, queue="quick")
    wait_until(lambda: workers.ask("active_queues", is_slot=True) == [], what="the slot to read nothing")
    waiting = workers.speak("Wait for me.")
    assert workers.ask("reserved", is_slot=True) == []
    assert redis.llen("quick") == 1
    assert "ok" in workers.ask("add_consumer", is_slot=True, queue="quick")
    assert waiting.get(timeout=GIVE_UP_S)["computed"]


def shut_down(workers: Workers) -> None:
    """It answers nothing, and both end as after SIGTERM."""
    workers.celery.control.shutdown()
    assert (workers.slot.wait(), workers.flow.wait()) == (0, 0)
