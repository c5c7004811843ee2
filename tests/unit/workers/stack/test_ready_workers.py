"""Which workers of a stack are ready, seen from their claims; the processes are stand-ins, the claims are real."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from tasks.errors import SlotlineError
from tasks.redis import keys
from tasks.terminal.interrupt import Interrupt
from workers.slots.claim import SlotClaim, claim_cpu
from workers.stack.ready_workers import ReadyWorkers


@dataclass
class Worker:
    """What is asked of a worker's process."""

    pid: int
    status: int | None = None
    name: str = "espeak worker 1"
    log: Path = Path("espeak-1.log")

    def how_it_ended(self) -> str:
        return "exit status 1"

    def last_words(self) -> str:
        return "no room"


@pytest.fixture
def client(raw_redis: Redis) -> Redis:
    """The broker's client, as a stack has it: it answers in bytes."""
    return raw_redis


@pytest.fixture
def ready(client: Redis, broker: str) -> ReadyWorkers:
    return ReadyWorkers(client, broker)


@pytest.fixture
def claim(client: Redis) -> SlotClaim:
    """The claim of this process, which is not ready yet."""
    return claim_cpu(client, "espeak", "here", 2, 30.0, 4)


def test_a_look_ends_with_a_stop_signal_and_leaves_the_rest_to_the_command(ready: ReadyWorkers) -> None:
    with Interrupt() as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        ready.look(ours())
        assert stop.asked
        assert not ready.wait(ours(), 5.0, lambda: stop.asked)


def ours(**fields: Any) -> list[Any]:
    return [Worker(os.getpid(), **fields)]


def test_a_worker_is_ready_when_its_claim_says_so(client: Redis, ready: ReadyWorkers, claim: SlotClaim) -> None:
    ready.look(ours())
    assert ready.holders == []
    claim.renew(client, 30.0, ready=True)
    assert ready.wait(ours(), 5.0, lambda: False)
    assert [holder.worker for holder in ready.holders] == ["espeak-cpu-0@here"]


def test_waiting_ends_when_the_stack_is_to_stop(ready: ReadyWorkers, claim: SlotClaim) -> None:
    assert not ready.wait(ours(), 5.0, lambda: True)


def test_one_that_ends_and_one_that_is_late_end_the_wait_with_their_last_line(
    ready: ReadyWorkers, claim: SlotClaim
) -> None:
    with pytest.raises(SlotlineError, match=r"espeak worker 1 did not start \(exit status 1\): no room \(log: "):
        ready.wait(ours(status=1), 5.0, lambda: False)
    with pytest.raises(SlotlineError, match="espeak worker 1 is not ready after 0 s: no room"):
        ready.wait(ours(), 0.0, lambda: False)


def test_the_slot_of_a_dead_worker_is_freed(client: Redis, ready: ReadyWorkers, claim: SlotClaim) -> None:
    claim.renew(client, 30.0, ready=True)
    ready.look(ours())
    (worker,) = ours()
    ready.free_slot_of(worker)
    assert not client.exists(claim.key)
    assert ready.holders == []


def test_only_slots_of_dead_processes_are_freed_at_the_start(
    client: Redis, ready: ReadyWorkers, claim: SlotClaim
) -> None:
    dead = claim_cpu(client, "espeak", "here", 2, 30.0, 4)
    client.set(dead.key, dead.value.replace(f'"pid":{os.getpid()}', '"pid":4194999'))
    ready.free_dead()
    assert client.keys(keys.PREFIX + "slot:*") == [claim.key.encode()]
