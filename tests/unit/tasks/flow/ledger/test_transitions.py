"""The steps of a job on a real Redis: any order, any repetition, one end."""

from __future__ import annotations

import contextlib
import json
import uuid
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import pytest
import redis
from celery.app.task import Context
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.flow import envelope
from tasks.flow.ledger import Ledger
from tasks.flow.ledger.limits import ATTEMPTS_ALLOWED, ttl_ms
from tasks.flow.ledger.record import Verdict
from tasks.kinds.speech import AUDIO
from tasks.redis import keys
from tests.fixtures.redis_users import RedisUser
from tests.unit.tasks.flow.ledger.opened_jobs import (
    FLOW,
    MODEL,
    OPENING,
    claim,
    finishes,
    messages,
    opened,
    parts_sent,
    progress,
    record_of,
)


def test_a_second_opening_changes_nothing(ledger: Ledger, raw_redis: Any) -> None:
    job = opened(ledger, 9, width=3)
    assert ledger.transitions.open(job, replace(OPENING, payloads=["Pother"])) == -1
    assert ledger.queries.states(job) == "qqq......"
    assert parts_sent(raw_redis, job) == [1, 2, 3]


def test_each_settled_part_sends_the_next_in_order(ledger: Ledger, raw_redis: Any) -> None:
    job = opened(ledger, 6, skipped={4}, width=2)
    assert ledger.transitions.settle(job, 2, "done", {"audio": 2}) == "done"
    assert ledger.transitions.settle(job, 1, "done", {"audio": 1}) == "done"
    assert parts_sent(raw_redis, job) == [1, 2, 3, 5]
    assert ledger.queries.states(job) == "ddqsq."


def test_the_last_part_sends_the_jobs_own_task_once(ledger: Ledger, raw_redis: Any) -> None:
    job = opened(ledger, 2)
    for part in (1, 2, 2, 1):
        assert finishes(raw_redis, job) == 0 or ledger.queries.states(job) == "dd"
        ledger.transitions.settle(job, part, "done", {})
    assert finishes(raw_redis, job) == 1
    assert record_of(ledger, job).state == "finishing"


def test_a_user_who_may_not_publish_ends_no_step_halfway(ledger: Ledger, raw_redis: Any, redis_user: RedisUser) -> None:
    job = opened(ledger, 1)
    with redis.Redis.from_url(redis_user("mute", "allkeys", "+@all", "-publish")) as mute:
        assert Ledger(mute).transitions.settle(job, 1, "done", {}) == "done"
    assert (finishes(raw_redis, job), record_of(ledger, job).state) == (1, "finishing")


@pytest.mark.parametrize("right", ["hincrby", "hdel", "hset", "lpush"])
@pytest.mark.parametrize("width", [1, 2])
def test_what_a_step_left_undone_that_redis_refused_halfway_the_sweep_does(
    ledger: Ledger, raw_redis: Any, redis_user: RedisUser, right: str, width: int
) -> None:
    job = opened(ledger, 3, skipped={3}, width=width)
    with redis.Redis.from_url(redis_user("part", "allkeys", "allchannels", "+@all", f"-{right}")) as partly:
        for part in range(1, width + 1):
            with contextlib.suppress(redis.RedisError):
                Ledger(partly).transitions.settle(job, part, "done", {})
    for part in (1, 2, 1, 2):  # their messages were given back, or sent again by the sweep
        ledger.transitions.settle(job, part, "done", {})
        ledger.transitions.sweep(job, 1000)
    record = record_of(ledger, job)
    assert (record.state, record.done, record.skipped, finishes(raw_redis, job)) == ("finishing", 2, 1, 1)


def test_a_job_with_nothing_to_compute_is_left_to_its_caller_without_a_message(ledger: Ledger, raw_redis: Any) -> None:
    job = opened(ledger, 3, skipped={1, 2, 3})
    assert record_of(ledger, job).state == "finishing"
    assert parts_sent(raw_redis, job) == []
    assert finishes(raw_redis, job) == 0


def test_a_transient_failure_is_sent_again_until_its_attempts_are_used_up(ledger: Ledger, raw_redis: Any) -> None:
    job = opened(ledger, 1)
    verdicts = []
    for attempt in range(1, ATTEMPTS_ALLOWED + 1):
        counted = claim(ledger, uuid.uuid4().hex, "tag", ("q", "m"), (job, 1)) if attempt > 1 else 0
        assert counted in (attempt, 0)
        verdicts.append(
            ledger.transitions.settle(job, 1, "again", {"error": {"message": "disk full"}}, attempt=counted)
        )
    assert verdicts == ["again"] * (ATTEMPTS_ALLOWED - 1) + ["failed"]
    assert ledger.queries.outcomes(job)[1]["error"]["message"] == "disk full"
    assert finishes(raw_redis, job) == 1


def test_a_run_that_was_overtaken_settles_nothing(ledger: Ledger) -> None:
    job = opened(ledger, 1)
    frozen = claim(ledger, "a", "tag", ("q", "m"), (job, 1))
    successor = claim(ledger, "a", "tag", ("q", "m"), (job, 1))
    assert ledger.transitions.settle(job, 1, "failed", {"error": {}}, attempt=frozen) == "late"
    assert ledger.transitions.settle(job, 1, "done", {}, attempt=successor) == "done"
    assert ledger.transitions.settle(job, 1, "done", {}, attempt=frozen) == "late"
    assert ledger.queries.states(job) == "d"


def test_progress_is_in_celerys_words_and_never_covers_an_end(ledger: Ledger, raw_redis: Any) -> None:
    job = opened(ledger, 3)
    ledger.transitions.settle(job, 1, "done", {}, computed=1, measure=replace(AUDIO, amount=1.5))
    told = progress(raw_redis, job)
    assert (told["status"], told["task_id"]) == ("PROGRESS", job)
    counts = {"total": 3, "done": 1, "failed": 0, "skipped": 0, "computed": 1}
    assert told["result"] == {**counts, "audio_s": 1.5, "measure": {"amount": 1.5, "unit": "seconds of audio"}}
    for part in (2, 3):
        ledger.transitions.settle(job, part, "failed", {"error": {}})
    assert ledger.transitions.end(job, "chapter", "FAILURE", None, {"type": "PartsFailed", "message": "no"})
    raw_redis.set(keys.RESULT_PREFIX + job, "final")
    assert ledger.transitions.settle(job, 2, "done", {}) == "late"
    assert raw_redis.get(keys.RESULT_PREFIX + job) == b"final"


def test_an_ended_job_has_a_time_to_live_on_every_key(ledger: Ledger, raw_redis: Any) -> None:
    job = opened(ledger, 2)
    claim(ledger, "a", "tag", ("q", "m"), (job, 1))
    ledger.transitions.settle(job, 1, "failed", {"error": {}})
    ledger.transitions.settle(job, 2, "done", {})
    assert ledger.transitions.end(job, "chapter", "FAILURE", None, None)
    assert not ledger.transitions.end(job, "chapter", "SUCCESS", None, None)
    left = [key for key in raw_redis.scan_iter(f"{keys.job(job)}*")]
    assert left
    assert all(0 < raw_redis.pttl(key) <= ttl_ms() for key in left)


def test_reopened_parts_are_sent_again_and_the_job_can_end_well(ledger: Ledger, raw_redis: Any) -> None:
    job = opened(ledger, 3)
    verdicts: list[tuple[int, Verdict]] = [(1, "done"), (2, "failed"), (3, "done")]
    for part, verdict in verdicts:
        ledger.transitions.settle(job, part, verdict, {})
    ledger.transitions.end(job, "chapter", "FAILURE", None, {"type": "PartsFailed", "message": "2"})
    assert ledger.transitions.reopen(job, [2]) == 1
    assert ledger.queries.states(job) == "dqd"
    assert not ledger.transitions.end(job, "chapter", "FAILURE", None, {"type": "PartsFailed", "message": "2"}), (
        "a run that froze"
    )
    assert claim(ledger, "a", "tag", ("q", "m"), (job, 2)) == 1
    assert ledger.transitions.settle(job, 2, "done", {}) == "done"
    assert finishes(raw_redis, job) == 2
    record = record_of(ledger, job)
    assert (record.state, record.outcome, record.failed, record.done) == ("finishing", None, 0, 3)
    assert raw_redis.pttl(keys.job(job)) == -1


def test_a_part_that_is_a_job_and_is_computed_again_begins_anew_and_what_is_anothers_stays(
    ledger: Ledger, raw_redis: Any
) -> None:
    above = replace(OPENING, part_queue=FLOW, part_list=FLOW, payloads=["Cone", "Ctwo"], width=2)
    ledger.transitions.open("book", above)
    ledger.transitions.open("book.1", replace(OPENING, payloads=["Ptext"], parent=("book", 1)))
    ledger.transitions.open("book.2", replace(OPENING, payloads=["Ptext"]))  # somebody chose this id
    for part in (1, 2):
        ledger.transitions.settle(f"book.{part}", 1, "done", {})
        ledger.transitions.end(f"book.{part}", "chapter", "SUCCESS", {"audio": None}, None)
        ledger.transitions.settle("book", part, "done", {"audio": None})
    assert ledger.transitions.reopen("book", [1, 2]) == 2
    assert (ledger.queries.record("book.1"), record_of(ledger, "book.2").outcome) == (None, "SUCCESS")
    assert not list(raw_redis.scan_iter("*book.1*")), "nothing is left of it"


def test_the_window_follows_the_models_live_slots(ledger: Ledger, raw_redis: Any) -> None:
    raw_redis.zadd(keys.capacity(MODEL), {"a|4": 9e15, "b|4": 9e15, "gone|64": 1})
    job = opened(ledger, 20)
    assert ledger.queries.states(job).count("q") == 8
    ledger.transitions.cancel(job)
    raw_redis.delete(keys.capacity(MODEL))
    assert ledger.queries.states(opened(ledger, 20)).count("q") == 4


def test_words_are_cut_between_characters(ledger: Ledger, raw_redis: Any) -> None:
    job = uuid.uuid4().hex
    ledger.transitions.open(job, replace(OPENING, payloads=["P" + "ế" * 100, "PHắn vừa đi\nvừa chửi", "C"], width=9))
    words = [json.loads(message["body"])[1]["words"] for message in messages(raw_redis, MODEL)]
    assert words == ["ế" * 16 + "…", "Hắn vừa đi", ""]


ODD_IDS = ['quote "', "back\\slash", "tab\t", "line\nend", "nul\0", "Chí Phèo", "100%", "a.1", "a.end", "\x1b[2J"]


@pytest.mark.parametrize("job", ODD_IDS, ids=ascii)
def test_a_job_whose_sender_chose_an_odd_id_is_settled_finished_and_swept(
    ledger: Ledger, raw_redis: Any, job: str
) -> None:
    head, tail = envelope.same_task_again(Context({"task": "speech.chapter", "id": job, "kwargs": {}}), FLOW)
    ledger.transitions.open(job, replace(OPENING, payloads=["Pa", "Pb"], finish_head=head, finish_tail=tail))
    assert parts_sent(raw_redis, job) == [1, 2]
    for part in (1, 2):
        ledger.transitions.settle(job, part, "done", {})
    (finish,) = messages(raw_redis, FLOW)
    assert (finish["headers"]["id"], progress(raw_redis, job)["task_id"]) == (job, job)
    assert ledger.transitions.sweep(job, 100).sent == (), "it is found in its queue"
    raw_redis.delete(FLOW)
    assert ledger.transitions.sweep(job, 100).sent == ("end",)
    assert [message["headers"]["id"] for message in messages(raw_redis, FLOW)] == [job]


def test_two_ids_never_share_a_delivery_tag(ledger: Ledger, raw_redis: Any) -> None:
    raw_redis.zadd(keys.capacity(MODEL), {"a|100": 9e15})
    for job in ODD_IDS:
        ledger.transitions.open(job, replace(OPENING, payloads=["Pa"]))
    tags = [message["properties"]["delivery_tag"] for message in messages(raw_redis, MODEL)]
    assert len(set(tags)) == len(ODD_IDS)
    assert all(tag.isascii() and tag.isprintable() and " " not in tag for tag in tags)


def test_submitting_twice_sends_once(ledger: Ledger, raw_redis: Any) -> None:
    job = uuid.uuid4().hex
    message = envelope.new_message("speech.chapter", job, {"text": "Trăm năm"}, FLOW)
    assert ledger.transitions.submit(job, "chapter", "Kiều", MODEL, "vi", FLOW, message)
    assert not ledger.transitions.submit(job, "chapter", "Kiều", MODEL, "vi", FLOW, message)
    assert len(messages(raw_redis, FLOW)) == 1
    assert [record.label for record in ledger.queries.jobs()] == ["sent"]


@dataclass(frozen=True)
class Settling:
    """A settle that arrives: of which part, with which verdict."""

    part: int
    verdict: str


def settlings(total: int) -> st.SearchStrategy[list[Settling]]:
    one = st.builds(Settling, st.integers(1, total), st.just("done"))
    return st.lists(one, max_size=3 * total)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_order_and_any_repetition_of_settles_ends_in_the_same_state(
    ledger: Ledger, raw_redis: Any, data: st.DataObject
) -> None:
    raw_redis.flushdb()  # a draw may end an example halfway, with a job that is open
    raw_redis.zadd(keys.capacity(MODEL), {"a|6": 9e15})
    total = data.draw(st.integers(1, 12))
    skipped = data.draw(st.sets(st.integers(1, total), max_size=total - 1))
    bad = data.draw(st.sets(st.integers(1, total))) - skipped
    width = data.draw(st.integers(1, 6))
    job = opened(ledger, total, skipped, width)
    live = [part for part in range(1, total + 1) if part not in skipped]
    order = data.draw(st.permutations(live)) + [one.part for one in data.draw(settlings(total))]
    order = data.draw(st.permutations(order))
    one_second = replace(AUDIO, amount=1.0)
    for part in order:
        ledger.transitions.settle(job, part, "failed" if part in bad else "done", {"n": part}, measure=one_second)
        states = ledger.queries.states(job)
        assert states.count("q") <= width
        waiting = states.find(".")
        assert waiting == -1 or states.count("q") == width, "a window with room leaves no part waiting"
        assert Counter(parts_sent(raw_redis, job)).most_common(1)[0][1] == 1, "no part is sent twice"
        assert finishes(raw_redis, job) == (set(states) <= {"d", "f", "s"})
    expected = "".join("s" if n in skipped else "f" if n in bad else "d" for n in range(1, total + 1))
    assert ledger.queries.states(job) == expected
    record = record_of(ledger, job)
    assert (record.done, record.failed, record.skipped) == (len(live) - len(bad), len(bad), len(skipped))
    assert record.measure is not None
    assert record.measure.amount == pytest.approx(len(live))
    assert set(ledger.queries.outcomes(job)) == set(range(1, total + 1))
    assert not raw_redis.exists(keys.ring(MODEL), keys.ring_jobs(MODEL), keys.ring_sent(MODEL))
