"""A batch through all stages, without a worker around them: a real ledger and store, the rehearsal as the model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from tasks.errors import InvalidInput, UnknownVoice
from tasks.flow import outcomes
from tasks.flow.ledger import Ledger
from tasks.flow.ledger.limits import ATTEMPTS_ALLOWED
from tasks.flow.outcomes import Done, Dropped, Failed, Outcome, Waiting
from tasks.redis import keys
from tests.unit.tasks.flow.ledger.opened_jobs import opened
from tests.unit.workers.adapters.asked import to_speak
from tests.unit.workers.child.rehearsals import OneRehearsal, call
from tests.unit.workers.sidecar.in_one_process import known, run
from workers.adapters.rehearsal import CHARS_PER_S, SAMPLE_RATE
from workers.sidecar.crafts.speech import SpeechCraft
from workers.sidecar.stages.make_ready import artifact_name
from workers.wire.call import Call


def came_of(calls: list[Call]) -> list[Outcome | None]:
    return [outcomes.take(one.task_id) for one in calls]


ASKED = st.tuples(
    st.integers(1, 60).map("abc".__mul__), st.sampled_from([None, "vi", "en"]), st.sampled_from([0.5, 1.0, 2.0])
)


@given(st.lists(ASKED, max_size=12))
@examples(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_each_request_gets_its_own_result_whatever_the_mix(
    ledger: Ledger, asked: list[tuple[str, str | None, float]]
) -> None:
    models = OneRehearsal()
    calls = [call(text, voice=voice, speed=speed) for text, voice, speed in asked]
    run(models, ledger, calls)
    for (text, voice, speed), outcome in zip(asked, came_of(calls), strict=True):
        assert isinstance(outcome, Done)
        wanted = to_speak(text, voice or "vi", speed)
        assert outcome.artifact.name == artifact_name(known(models), SpeechCraft(), wanted)
        assert outcome.artifact.details["frames"] == round(len(text) / CHARS_PER_S / speed * SAMPLE_RATE)
    computed = [text for run in models.runs for text in run]
    assert len(computed) <= len({(text, voice or "vi", speed) for text, voice, speed in asked}), "each once"


def test_what_wants_another_voice_or_speed_runs_by_itself_and_the_longest_first(
    ledger: Ledger, models: OneRehearsal
) -> None:
    run(models, ledger, [call("a"), call("b", voice="en"), call("ccc"), call("d", speed=2.0), call("ee")])
    assert models.runs == [["ccc", "ee", "a"], ["b"], ["d"]]


def test_a_step_is_one_round_trip_however_large_the_batch(
    ledger: Ledger, models: OneRehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(models, ledger, [call("the scripts are known from now on")])
    asked: list[int] = []
    genuine = ledger.claims._scripts.run_together

    def counted(runs: Any) -> Any:
        asked.append(len(runs))
        return genuine(runs)

    monkeypatch.setattr(ledger.claims._scripts, "run_together", counted)
    run(models, ledger, [call(f"text {number}") for number in range(20)])
    assert asked == [20, 20, 20], "take, claim, release"


def test_two_requests_for_the_same_artifact_compute_it_once_and_neither_waits(
    ledger: Ledger, raw_redis: Any, models: OneRehearsal
) -> None:
    calls = [call("same"), call("other"), call("same"), call("same")]
    run(models, ledger, calls)
    first, other, second, third = came_of(calls)
    assert isinstance(first, Done)
    assert isinstance(other, Done)
    assert (first.computed, first.attempt, other.computed) == (True, 1, True)
    assert second == third == Done(first.artifact, computed=False)
    assert models.runs == [["other", "same"]]
    assert not raw_redis.exists(keys.computed_by(first.artifact.name))


def test_a_message_that_came_twice_is_two_requests_of_one_id(ledger: Ledger, models: OneRehearsal) -> None:
    calls = [call("same", "id", "tag-1"), call("same", "id", "tag-2")]
    run(models, ledger, calls)
    first, second = came_of(calls)
    assert isinstance(first, Done)
    assert second == Done(first.artifact, computed=False)


def test_who_is_cancelled_is_dropped_and_what_another_wants_is_made_all_the_same(
    ledger: Ledger, models: OneRehearsal
) -> None:
    calls = [call("same"), call("same"), call("unwanted"), call("wanted")]
    run(models, ledger, calls, is_cancelled={0, 2}.__contains__)
    first, second, unwanted, wanted = came_of(calls)
    assert (first, unwanted) == (Dropped(), Dropped())
    assert isinstance(second, Done)
    assert isinstance(wanted, Done)


@pytest.mark.parametrize("part", [0, -2])
def test_a_part_that_no_job_can_have_fails_and_is_not_taken_for_another(
    ledger: Ledger, models: OneRehearsal, part: int
) -> None:
    job = opened(ledger, 3, width=3)
    calls = [call("", job=job, part=part), call("good")]
    run(models, ledger, calls)
    wrong, good = came_of(calls)
    assert isinstance(wrong, Failed)
    assert str(wrong.error) == f"part: {part} is not a part of a job; parts are counted from 1"
    assert isinstance(good, Done)
    assert models.runs == [["good"]]


def begun(raw_redis: Any, task_id: str, runs: int = 1) -> None:
    """A run of it was begun, and its process is gone."""
    raw_redis.hset(keys.attempts(task_id), "0", runs)


def test_what_was_begun_before_is_run_alone_with_all_that_want_the_same(
    ledger: Ledger, raw_redis: Any, models: OneRehearsal
) -> None:
    calls = [call("good"), call("poison", "suspect"), call("poison"), call("also good")]
    begun(raw_redis, "suspect")
    ran = run(models, ledger, calls)
    assert ran.alone == {1, 2}
    assert models.runs == [["also good", "good"]]
    assert raw_redis.hget(keys.attempts("suspect"), "0") == b"1", "that was no attempt"
    assert [type(outcome) for outcome in came_of(calls)] == [Done, type(None), type(None), Done]
    assert run(models, ledger, [calls[1]]).alone == frozenset()
    assert isinstance(outcomes.take("suspect"), Done)


def test_what_was_begun_before_and_is_made_meanwhile_needs_no_run(
    ledger: Ledger, raw_redis: Any, models: OneRehearsal
) -> None:
    run(models, ledger, [call("made")])
    begun(raw_redis, "suspect")
    calls = [call("made", "suspect"), call("other")]
    assert run(models, ledger, calls).alone == frozenset()
    outcome = outcomes.take("suspect")
    assert isinstance(outcome, Done)
    assert not outcome.computed


def test_what_has_used_up_its_attempts_is_never_run_again(ledger: Ledger, raw_redis: Any, models: OneRehearsal) -> None:
    begun(raw_redis, "spent", ATTEMPTS_ALLOWED)
    (spent,) = calls = [call("poison", "spent")]
    run(models, ledger, calls)
    outcome = outcomes.take(spent.task_id)
    assert isinstance(outcome, Failed)
    assert str(outcome.error) == "its worker died in all 3 attempts"
    assert models.runs == []


def test_what_another_slot_has_in_hand_waits_for_it(
    ledger: Ledger, raw_redis: Any, models: OneRehearsal, broker: str
) -> None:
    name = artifact_name(known(models), SpeechCraft(), to_speak("theirs", "vi"))
    raw_redis.set(keys.computed_by(name), "theirs")
    raw_redis.zadd(keys.LEASES, {"theirs": 1e15})
    calls = [call("theirs"), call("mine"), call("theirs")]
    run(models, ledger, calls)
    first, mine, second = came_of(calls)
    assert (first, second) == (Waiting(), Waiting())
    assert isinstance(mine, Done)
    assert raw_redis.zcard(keys.DELAYED) == 2


def test_what_cannot_be_read_costs_itself_alone(ledger: Ledger, raw_redis: Any, models: OneRehearsal) -> None:
    unreadable = Call("speech.paragraph", "body", {}, b"\xff{", "application/json", "utf-8")
    raw_redis.set(keys.job("broken"), "no hash")
    stranger = call("text", model="another")
    calls = [call("good"), unreadable, call("", job="broken", part=1), call("", job="unknown", part=1), stranger]
    run(models, ledger, calls)
    good, body, broken, unknown, wrong = came_of(calls)
    assert isinstance(good, Done)
    assert isinstance(body, Failed)
    assert isinstance(body.error, InvalidInput)
    assert isinstance(broken, Failed)
    assert "WRONGTYPE" in str(broken.error)
    assert unknown == Dropped()
    assert isinstance(wrong, Failed)
    assert str(wrong.error) == "model: 'another' was sent to the queue of 'model'"


def test_a_variant_that_cannot_be_had_fails_those_that_asked_for_it(
    ledger: Ledger, models: OneRehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_voice: Callable[..., str] = lambda self, entry, asked: str(asked.voice)  # noqa: E731
    monkeypatch.setattr(SpeechCraft, "variant", by_voice)
    models.fails["b"] = UnknownVoice("voice: there is no 'b'")
    calls = [call("one", voice="a"), call("two", voice="b"), call("three", voice="a")]
    run(models, ledger, calls)
    one, two, three = came_of(calls)
    assert isinstance(one, Done)
    assert isinstance(three, Done)
    assert isinstance(two, Failed)
    assert str(two.error) == "voice: there is no 'b'"
    assert models.runs == [["three", "one"]]
