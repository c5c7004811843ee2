"""What a request hears when it ends otherwise than by itself, and what the ledger keeps of it."""

from __future__ import annotations

from typing import Any

import pytest
from billiard.exceptions import Terminated, WorkerLostError
from celery.exceptions import Ignore, Reject
from redis import Redis

from tasks.errors import TimeLimitOver
from tasks.flow.ledger import Ledger
from tasks.flow.ledger.record import ArtifactClaim
from tasks.redis import keys
from tests.unit.workers.parent.small_slot import RESULT, SmallSlot
from workers.parent import losses
from workers.wire.batches import CallsEnded, CancelCalls
from workers.wire.call import Lost, NotBegun
from workers.wire.limits import SENDER, TimeLimit
from workers.wire.messages import CancelRequests
from workers.wire.page import Stage


def count_attempt(client: Redis, *names: str) -> None:
    """What the sidecar does before it hands a bare task to the child."""
    with Redis.from_url(f"redis://{_address(client)}") as raw:
        for name in names:
            claim = ArtifactClaim(f"artifact-{name}", name, ("m", "message"), (name, 0), "m")
            assert Ledger(raw).claims.claim_all([claim]) == [1]


def attempts_of(client: Redis, name: str) -> dict[str, str]:
    """What the ledger has of a bare task's runs: their number, why the last was lost, lost ones before the claim."""
    found: Any = client.hgetall(keys.attempts(name))
    return {field: value for field, value in found.items() if field in ("0", "0?", "0^")}


def _address(client: Redis) -> str:
    made = client.connection_pool.connection_kwargs
    return f"{made['host']}:{made['port']}/{made.get('db', 0)}"


def test_what_a_dead_child_computed_is_lost_and_the_rest_goes_back_all_in_order(
    recorded_slot: SmallSlot, redis_client: Redis
) -> None:
    slot = recorded_slot
    batch, _ = slot.running("a", "b")
    behind, _ = slot.batch("c", "d")
    count_attempt(redis_client, "a", "b")
    slot.child_dies()
    slot.answer(batch, {0: Lost(), 1: Lost()})
    slot.answer(behind, {0: NotBegun(), 1: NotBegun()})
    assert slot.heard == {}, "the sidecar may have more to say"
    slot.sidecar_ends()
    assert slot.order == ["d", "c", "b", "a"], "so that the first goes back to the front"
    assert [type(slot.heard[name][0]) for name in "abcd"] == [WorkerLostError] * 2 + [Reject] * 2
    for name in "ab":
        assert attempts_of(redis_client, name) == {"0": "1", "0?": "Worker exited prematurely: signal 11 (SIGSEGV)"}
    assert slot.flight.pipelines == []


def test_what_was_computed_before_the_death_is_still_put_away(slot: SmallSlot) -> None:
    batch, _ = slot.batch("a", "b")
    slot.sidecar.begin(batch, 1)
    slot.child_dies()
    assert slot.flight.is_alive, "its sidecar works, so the leases are renewed"
    slot.answer(batch, {0: RESULT})
    assert slot.heard == {"a": [RESULT]}


def test_a_new_child_takes_batches_while_the_old_ones_sidecar_still_speaks(slot: SmallSlot) -> None:
    first, _ = slot.running("a", "b")
    before = slot.sidecar
    slot.child_dies()
    slot.child.has_child = True
    slot.start_child()
    slot.request("c")
    slot.turn()
    assert slot.batches() == [["c"]]
    before.line.send(CallsEnded(first.number, [(0, RESULT), (1, RESULT)]))
    before.line.close()
    slot.turn()
    slot.turn()
    assert slot.heard == {"a": [RESULT], "b": [RESULT]}
    assert len(slot.flight.pipelines) == 1


def test_a_run_beyond_its_limit_is_a_lost_one_that_celery_gives_back(recorded_slot: SmallSlot) -> None:
    slot = recorded_slot
    batch, _ = slot.running("a")
    slot.now = 21.0
    slot.watch.look()
    assert slot.child.kills == [False]
    slot.child_dies("signal 9 (SIGKILL)")
    slot.answer(batch, {0: Lost()})
    slot.sidecar_ends()
    (error,) = slot.heard["a"]
    assert (type(error), str(error)) == (WorkerLostError, "killed after time_limit_s = 20")


def test_what_the_child_could_say_of_its_end_is_the_reason(recorded_slot: SmallSlot) -> None:
    batch, _ = recorded_slot.running("a")
    recorded_slot.child_dies("exitcode 1")
    recorded_slot.answer(batch, {0: Lost("the GPU failed")})
    recorded_slot.sidecar_ends()
    assert str(recorded_slot.heard["a"][0]) == "the batch failed: the GPU failed"


def test_what_is_given_back_because_the_worker_stops_was_no_attempt(
    recorded_slot: SmallSlot, redis_client: Redis
) -> None:
    slot = recorded_slot
    slot.running("a")
    count_attempt(redis_client, "a")
    slot.losses.give_back_running()
    assert slot.child.kills == [False]
    slot.sidecar_ends()
    slot.child_dies("signal 9 (SIGKILL)")
    assert attempts_of(redis_client, "a") == {"0": "0"}, "nobody need know why"
    assert isinstance(slot.heard["a"][0], Reject)


def test_when_a_sidecar_dies_the_page_says_who_was_innocent(recorded_slot: SmallSlot, redis_client: Redis) -> None:
    slot = recorded_slot
    away, _ = slot.batch("away", "away2")
    running, _ = slot.batch("running", "running2")
    ready, _ = slot.batch("ready", "ready2")
    slot.request("waiting")
    count_attempt(redis_client, "away", "away2", "running", "running2")
    slot.sidecar.page.enter(Stage.AWAY, away.number, 1.0)
    slot.sidecar.page.enter(Stage.READY, ready.number, 1.0)
    slot.sidecar.begin(running)
    slot.sidecar_ends()
    assert slot.heard == {}, "the child ends itself"
    slot.child_dies("signal 9 (SIGKILL)")
    assert slot.order == ["ready2", "ready", "running2", "running", "away2", "away"]
    assert attempts_of(redis_client, "running")["0"] == "0", "its child was killed with its sidecar"
    how = ": signal 9 (SIGKILL)"
    assert attempts_of(redis_client, "away") == {"0": "1", "0?": f"its process died while its result was put away{how}"}
    assert attempts_of(redis_client, "ready") == {"0^": "1", "0?": f"its process died while it was made ready{how}"}


def test_a_child_that_does_not_end_itself_after_its_sidecar_is_killed(
    slot: SmallSlot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(losses, "ENDS_ITSELF_WITHIN_S", 0.0)
    slot.sidecar_ends()
    slot.turn()
    assert slot.child.kills == [False], "nobody would take its results"


def test_a_child_that_dies_by_itself_and_whose_sidecar_says_nothing_is_charged_to_its_run(
    recorded_slot: SmallSlot, redis_client: Redis
) -> None:
    recorded_slot.running("a")
    count_attempt(redis_client, "a")
    recorded_slot.child_dies()
    recorded_slot.sidecar_ends()
    assert attempts_of(redis_client, "a") == {"0": "1", "0?": "Worker exited prematurely: signal 11 (SIGSEGV)"}


def test_a_stage_beyond_its_limit_costs_the_sidecar_and_names_itself(
    recorded_slot: SmallSlot, redis_client: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    slot = recorded_slot
    batch, _ = slot.batch("a")
    slot.watch.listen()
    slot.sidecar.page.enter(Stage.READY, batch.number, 1.0)
    slot.now = 30.0
    slot.watch.look()
    assert slot.watch.slow_stage() is not None, "health names it before"
    slot.now = 61.0
    slot.watch.look()
    slot.watch.look()
    assert caplog.text.count("is killed: making ready took longer than SLOTLINE_STAGE_LIMIT_S = 60") == 1
    slot.sidecar_ends()
    slot.child_dies("signal 9 (SIGKILL)")
    assert attempts_of(redis_client, "a")["0^"] == "1"


def test_a_cancelled_request_is_not_given_back_when_its_child_dies(recorded_slot: SmallSlot) -> None:
    batch, (_, unwanted) = recorded_slot.running("a", "b")
    unwanted.is_cancelled = True
    recorded_slot.child_dies()
    recorded_slot.answer(batch, {0: Lost(), 1: Lost()})
    recorded_slot.sidecar_ends()
    assert [type(recorded_slot.heard[name][0]) for name in "ab"] == [WorkerLostError, Ignore]


def test_what_waits_for_a_dead_child_goes_back_in_order(slot: SmallSlot) -> None:
    slot.child.has_child = False
    for name in "ab":
        slot.request(name)
    slot.losses.child_gone()
    assert slot.order == ["b", "a"]
    assert {type(error) for heard in slot.heard.values() for error in heard} == {Reject}


def test_when_the_connection_is_lost_what_is_in_flight_goes_on_and_celery_keeps_it(slot: SmallSlot) -> None:
    batch, _ = slot.batch("a", "b")
    slot.request("c")
    slot.losses.flush()
    assert list(slot.heard) == ["c"]
    assert slot.started == ["a", "b"]
    slot.finish(batch, RESULT, RESULT)
    assert (slot.heard["a"], slot.started) == ([RESULT], ["a", "b"])


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


def test_the_child_is_killed_when_the_last_of_its_run_is_revoked_and_both_hear_of_each_before(slot: SmallSlot) -> None:
    batch, requests = slot.running("a", "b")
    slot.batch("c", "d")
    slot.watch.look()
    for request in requests:
        request.accept_callback = Revoked().accepted
    requests[0].terminate(9)
    assert slot.child.kills == []
    requests[1].terminate(9)
    assert slot.child.kills == [False]
    slot.sidecar.hear()
    assert slot.sidecar.asked == [CancelRequests(batch.number, (0,)), CancelRequests(batch.number, (1,))]
    assert slot.sidecar.heard[-2:] == [CancelCalls(batch.number, (0,)), CancelCalls(batch.number, (1,))]
    assert slot.supervisor.restarts.deaths == -1, "no death of the model's"


def test_a_run_whose_requests_are_all_cancelled_is_ended_by_force_after_the_grace(slot: SmallSlot) -> None:
    _, requests = slot.running("a", "b")
    slot.losses.cancel(requests[:1])
    slot.now = 5.0
    slot.watch.look()
    assert slot.child.kills == [], "the other one is wanted"
    slot.now = 0.0
    slot.losses.cancel(requests[1:])
    slot.watch.look()
    assert slot.child.kills == [], "it may stop by itself"
    slot.now = 0.6
    slot.watch.look()
    assert slot.child.kills == [False]


def test_a_request_whose_limit_is_over_is_stopped_and_else_fails_with_its_child_and_its_limit(
    recorded_slot: SmallSlot,
) -> None:
    slot = recorded_slot
    request = slot.request("a", limit=TimeLimit(3.0, "time_limit", SENDER))
    slot.turn()
    batch = slot.sidecar.batches[0]
    slot.sidecar.begin(batch)
    slot.watch.look()
    assert not request.is_over_limit
    slot.now = 3.1
    slot.watch.look()
    slot.sidecar.hear()
    assert slot.sidecar.heard[-1] == CancelCalls(batch.number, (0,), "time_limit=3 s, set by the sender")
    assert slot.sidecar.asked == [CancelRequests(batch.number, (0,))]
    slot.now = 4.0
    slot.watch.look()
    assert slot.child.kills == [False]
    assert slot.supervisor.restarts.deaths == -1, "no death of the model's"
    slot.child_dies("signal 9 (SIGKILL)")
    slot.answer(batch, {0: Lost()})
    slot.sidecar_ends()
    (error,) = slot.heard["a"]
    assert (type(error), str(error)) == (TimeLimitOver, "time_limit=3 s, set by the sender, is over")


def test_a_run_that_has_ended_meanwhile_is_not_stopped_by_force(slot: SmallSlot) -> None:
    batch, _ = slot.running("a")
    (pipeline,) = slot.flight.pipelines
    found = pipeline.running()
    assert found is not None
    slot.finish(batch, RESULT)
    slot.losses.stop_running(pipeline, found[0].number, "cancelled")
    assert slot.child.kills == []
