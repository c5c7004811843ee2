"""The ends of runs are written together; each answer stands where its write stood."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from redis.exceptions import ResponseError

from tasks.flow.ledger import Ledger
from tasks.flow.ledger.endings import PARTS_A_RUN
from tasks.flow.ledger.record import Measure, Settlement, StoredResult
from tasks.redis import keys
from tests.unit.tasks.flow.ledger.opened_jobs import (
    MODEL,
    OPENING,
    finishes,
    messages,
    opened,
    parts_sent,
    progress,
    record_of,
)


def test_each_answer_belongs_to_its_write_also_where_one_is_refused(raw_redis: Any, ledger: Ledger) -> None:
    job = opened(ledger, 2)
    raw_redis.rpush("odd", "no string")
    settlements = [Settlement(job, 1, "done", {}), Settlement(job, 1, "done", {}), Settlement(job, 2, "done", {})]
    results = [StoredResult("odd", "value", 60), StoredResult(keys.RESULT_PREFIX + "good", "value", 60)]
    written = ledger.endings.write(settlements, results, [("artifact", "tag")])
    assert written.settled == ["done", "late", "done"]
    odd, good = written.stored
    assert isinstance(odd, ResponseError)
    assert (good, list(written.released)) == (1, [0])


def test_nothing_to_write_asks_nobody(ledger: Ledger) -> None:
    written = ledger.endings.write([], [], [])
    assert (written.settled, written.stored, written.released) == ([], [], [])


def test_parts_of_one_job_that_are_settled_together_end_as_when_they_are_settled_one_by_one(
    raw_redis: Any, ledger: Ledger
) -> None:
    """Also where one came twice, one is tried again, one is late and one fails; and the next parts are sent once."""

    def settlements(job: str) -> list[Settlement]:
        part = [Settlement(job, n, "done", {"n": n}, 1, Measure("audio_s", n / 2, "s")) for n in range(1, 5)]
        failed = replace(part[2], verdict="failed", outcome={"error": "no"}, computed=0, measure=None)
        return [
            part[1],
            part[0],
            part[1],
            replace(part[3], verdict="again", computed=0),
            failed,
            Settlement(job, 9, "done", {}),
        ]

    raw_redis.zadd(keys.capacity(MODEL), {"slot|40": 9e15})
    together, singly = (opened(ledger, 9, skipped={6}, width=4) for _ in range(2))
    answers = ledger.endings.settle(settlements(together))
    assert answers == [ledger.transitions.settle(**vars(one)) for one in settlements(singly)]
    assert answers == ["done", "done", "late", "again", "failed", "done"]
    nothing: dict[str, Any] = {"job_id": "", "submitted": 0.0, "opened": 0.0}
    assert replace(record_of(ledger, together), **nothing) == replace(record_of(ledger, singly), **nothing)
    for job in (together, singly):
        assert ledger.queries.states(job) == "ddfqqsqqd"
        assert parts_sent(raw_redis, job) == [1, 2, 3, 4, 5, 7, 8]
        assert progress(raw_redis, job)["result"] == progress(raw_redis, singly)["result"]
    assert progress(raw_redis, together)["result"]["measure"] == {"amount": 1.5, "unit": "s"}


def test_settlements_of_several_jobs_and_of_many_parts_are_answered_in_their_order(
    raw_redis: Any, ledger: Ledger
) -> None:
    many, few = opened(ledger, PARTS_A_RUN + 2), opened(ledger, 1)
    settlements = [Settlement(many, part, "done", {}) for part in range(1, PARTS_A_RUN + 3)]
    settlements.insert(3, Settlement(few, 1, "failed", {}))
    settlements.insert(5, Settlement("unknown", 1, "done", {}))
    answers = ledger.endings.settle(settlements)
    assert [index for index, answer in enumerate(answers) if answer != "done"] == [3, 5]
    assert (answers[3], answers[5]) == ("failed", "late")
    assert (finishes(raw_redis, many), finishes(raw_redis, few)) == (1, 1)


def test_what_redis_refuses_of_one_job_costs_no_other_job(raw_redis: Any, ledger: Ledger) -> None:
    good, bad = opened(ledger, 2), opened(ledger, 2)
    raw_redis.delete(keys.outcomes(bad))
    raw_redis.set(keys.outcomes(bad), "no hash")
    answers = ledger.endings.settle([Settlement(job, part, "done", {}) for part in (1, 2) for job in (bad, good)])
    assert [isinstance(answer, ResponseError) for answer in answers] == [True, False, True, False]
    assert record_of(ledger, good).done == 2


def test_clients_hear_of_the_progress_of_parts_that_are_settled_together_once(raw_redis: Any, ledger: Ledger) -> None:
    job = opened(ledger, 3)
    with raw_redis.pubsub() as listener:
        listener.subscribe(keys.RESULT_PREFIX + job)
        listener.get_message(timeout=5)
        ledger.endings.settle([Settlement(job, part, "done", {}) for part in (1, 2)])
        heard = listener.get_message(timeout=5)
        assert json.loads(heard["data"])["result"]["done"] == 2
        ledger.transitions.settle(job, 3, "done", {})
        heard = listener.get_message(timeout=5)
        assert json.loads(heard["data"])["result"]["done"] == 3


@pytest.mark.parametrize("words", ['«Chí Phèo» said: "\\ no"\ttab', "half a \u2026 line", "", "a/b %d %s"])
def test_a_parts_message_is_json_whatever_its_words_and_its_jobs_id(raw_redis: Any, ledger: Ledger, words: str) -> None:
    job = 'a "quoted" id, \\ with % and ù'
    ledger.transitions.open(job, replace(OPENING, payloads=[f"P{words}\nmore"]))
    (message,) = messages(raw_redis, MODEL)
    (kwargs,) = [json.loads(message["body"])[1]]
    assert kwargs == {"job": job, "part": 1, "words": words}
    headers, properties = message["headers"], message["properties"]
    assert json.loads(headers["kwargsrepr"]) == kwargs
    assert (headers["id"], headers["root_id"], headers["parent_id"]) == (f"{job}.1", OPENING.root, job)
    assert (headers["retries"], headers["ignore_result"], headers["task"]) == (0, True, OPENING.part_task)
    assert properties["correlation_id"] == headers["id"]
    assert properties["delivery_info"] == {"exchange": "", "routing_key": OPENING.part_queue}
    assert (properties["priority"], properties["delivery_mode"]) == (OPENING.part_priority, 2)
