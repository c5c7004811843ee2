"""What a request hears when its run ends otherwise than by itself, and what the ledger keeps of it."""

from __future__ import annotations

import pytest
from billiard.exceptions import Terminated, TimeLimitExceeded, WorkerLostError
from celery.exceptions import Ignore, Reject
from redis import Redis

from tasks.errors import TimeLimitOver
from tasks.flow.ledger import Ledger
from tasks.flow.ledger.record import ArtifactClaim
from tasks.redis import keys
from tasks.settings import settings
from tests.unit.workers.parent.small_slot import RESULT, SmallSlot
from workers.wire.limits import SENDER, TimeLimit
from workers.wire.link import pair
from workers.wire.messages import CancelRequests

NO_PROCESS = 2**22 + 1
"""Beyond what Linux numbers its processes by."""


def count_attempt(client: Redis, name: str) -> None:
    """What the child does before it computes a bare task."""
    with Redis.from_url(f"redis://{_address(client)}") as raw:
        claim = ArtifactClaim(f"artifact-{name}", name, ("m", "message"), (name, 0), "m")
        assert Ledger(raw).claims.claim_all([claim]) == [1]


def _address(client: Redis) -> str:
    made = client.connection_pool.connection_kwargs
    return f"{made['host']}:{made['port']}/{made.get('db', 0)}"


def test_each_of_a_lost_batch_hears_of_it_the_first_last_and_the_ledger_keeps_why(
    recorded_slot: SmallSlot, redis_client: Redis
) -> None:
    batch, _ = recorded_slot.running("a", "b")
    count_attempt(redis_client, "a")
    batch.lose(WorkerLostError("Worker exited prematurely: signal 11 (SIGSEGV) Job: 3."))
    assert recorded_slot.order == ["b", "a"], "so that the first goes back to the front"
    assert [type(heard[0]) for heard in recorded_slot.heard.values()] == [WorkerLostError] * 2
    assert redis_client.hget(keys.attempts("a"), "0") == "1"
    assert redis_client.hget(keys.attempts("a"), "0?") == "Worker exited prematurely: signal 11 (SIGSEGV)"
    assert recorded_slot.dispatcher.running is None


def test_a_batch_beyond_its_limit_is_a_lost_one_that_celery_gives_back(recorded_slot: SmallSlot) -> None:
    batch, _ = recorded_slot.running("a")
    batch.lose(TimeLimitExceeded(20))
    (error,) = recorded_slot.heard["a"]
    assert (type(error), str(error)) == (WorkerLostError, "killed after time_limit_s = 20")


def test_a_batch_whose_machinery_fails_costs_the_child(recorded_slot: SmallSlot) -> None:
    batch, _ = recorded_slot.running("a")
    batch.lose(RuntimeError("no model belongs to this process"))
    assert recorded_slot.child.kills == [False]
    assert "no model belongs" in str(recorded_slot.heard["a"][0])


def test_what_is_given_back_because_the_worker_stops_was_no_attempt(
    recorded_slot: SmallSlot, redis_client: Redis
) -> None:
    batch, _ = recorded_slot.running("a")
    count_attempt(redis_client, "a")
    recorded_slot.losses.give_back_running()
    assert recorded_slot.child.kills == [False]
    batch.lose(WorkerLostError("killed"))
    assert redis_client.hgetall(keys.attempts("a"))["0"] == "0"
    assert "0?" not in redis_client.hgetall(keys.attempts("a")), "nobody need know why"
    assert isinstance(recorded_slot.heard["a"][0], WorkerLostError)


def test_a_cancelled_request_is_not_given_back_when_its_child_dies(recorded_slot: SmallSlot) -> None:
    batch, (_, unwanted) = recorded_slot.running("a", "b")
    unwanted.is_cancelled = True
    batch.lose(WorkerLostError("killed"))
    assert [type(recorded_slot.heard[name][0]) for name in "ab"] == [WorkerLostError, Ignore]


def test_what_a_dead_child_had_not_begun_goes_back_with_all_that_waits(slot: SmallSlot) -> None:
    for name in "abc":
        slot.request(name)
    slot.turn()
    slot.losses.child_gone()
    assert slot.order == ["b", "a", "c"]
    assert {type(error) for heard in slot.heard.values() for error in heard} == {Reject}
    assert slot.child.taken_back == slot.child.handed
    assert slot.dispatcher.running is None


def test_what_a_dead_child_had_begun_is_left_to_its_own_loss(slot: SmallSlot) -> None:
    slot.running("a")
    slot.losses.child_gone()
    assert slot.heard == {}
    assert slot.child.taken_back == []


@pytest.mark.parametrize("is_begun", [True, False])
def test_a_batch_that_the_child_has_just_begun_is_not_given_back_when_the_pool_is_flushed(
    slot: SmallSlot, is_begun: bool
) -> None:
    slot.request("a")
    slot.turn()
    if is_begun:  # its word lies in the pipe, and nobody has read it
        slot.child.on_hear = slot.child.handed[0].begin
    slot.request("b")
    slot.losses.flush()
    assert slot.child.flushes == 1
    assert list(slot.heard) == (["b"] if is_begun else ["b", "a"])
    assert (slot.dispatcher.running is not None) is is_begun


def test_a_batch_that_was_not_sent_goes_back_without_a_look_at_the_child(slot: SmallSlot) -> None:
    slot.request("a")
    slot.turn()
    slot.child.buffered = slot.child.handed
    slot.child.on_hear = slot.child.handed[0].begin
    slot.losses.flush()
    assert isinstance(slot.heard["a"][0], Reject)


def test_a_request_that_is_terminated_while_it_waits_leaves_and_costs_no_child(slot: SmallSlot) -> None:
    slot.running("a")
    waiting = slot.request("b")
    waiting.terminate(9)
    assert isinstance(slot.heard["b"][0], Terminated)
    assert (slot.waiting(), slot.child.kills) == ([], [])


class Revoked:
    """Celery's request, as far as the slot asks it: revoked while it ran."""

    _already_revoked = True

    def accepted(self, pid: int, accepted: float) -> None:
        """Celery's callback."""


def test_the_child_is_killed_when_the_last_of_its_batch_is_revoked_and_hears_of_each_before(slot: SmallSlot) -> None:
    _, requests = slot.running("a", "b")
    parents, childs = pair()
    slot.supervisor.started(NO_PROCESS, parents)
    for request in requests:
        request.accept_callback = Revoked().accepted
    requests[0].terminate(9)
    assert slot.child.kills == []
    requests[1].terminate(9)
    assert slot.child.kills == [False]
    assert childs.pending(1.0) == [CancelRequests(("a",)), CancelRequests(("b",))]
    assert slot.supervisor.restarts.deaths == -1, "no death of the model's"
    parents.close()
    childs.close()


def test_a_request_whose_limit_is_over_is_stopped_and_else_fails_with_its_child_and_its_limit(
    recorded_slot: SmallSlot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLOTLINE_CANCEL_GRACE_S", "0")
    settings.cache_clear()
    request = recorded_slot.request("a", limit=TimeLimit(0.0, "time_limit", SENDER))
    recorded_slot.turn()
    parents, childs = pair()
    recorded_slot.supervisor.started(NO_PROCESS, parents)
    recorded_slot.child.handed[0].begin()
    recorded_slot.turn()
    assert childs.pending(1.0) == [CancelRequests(("a",), "time_limit=0 s, set by the sender")]
    recorded_slot.turn()
    assert recorded_slot.child.kills == [False]
    assert recorded_slot.supervisor.restarts.deaths == -1, "no death of the model's"
    recorded_slot.child.handed[0].lose(WorkerLostError("signal 9"))
    (error,) = recorded_slot.heard["a"]
    assert (type(error), str(error)) == (TimeLimitOver, "time_limit=0 s, set by the sender, is over")
    assert request.is_over_limit
    parents.close()
    childs.close()


def test_a_batch_that_has_ended_meanwhile_is_not_stopped_by_force(slot: SmallSlot) -> None:
    handed, _ = slot.running("a")
    batch = slot.dispatcher.batch
    assert batch is not None
    handed.finish(RESULT)
    slot.losses.stop_running(batch, "cancelled")
    assert slot.child.kills == []
