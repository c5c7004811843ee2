"""Runs that were ended or lost, as the ledger keeps them; nothing here raises."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from redis import Redis

from tasks.flow import attempts
from tasks.flow.ledger import Ledger
from tasks.redis import keys
from tests.unit.tasks.flow.ledger.opened_jobs import claim, opened


@dataclass(frozen=True)
class Request:
    """A request as the pool knows it."""

    task_id: str
    delivery_tag: str
    fields: Mapping[str, Any] = field(default_factory=dict)

    def kwargs(self) -> Mapping[str, Any]:
        return self.fields


COPY = ("queue", "message")


def test_a_run_that_the_worker_ended_is_no_attempt_of_a_part_or_of_a_task_alone(ledger: Ledger) -> None:
    job = opened(ledger, 2)
    assert claim(ledger, "a", "part's", COPY, (job, 2)) == 1
    assert claim(ledger, "b", "alone's", COPY, ("alone", 0)) == 1
    attempts.uncount(
        ledger, [Request(f"{job}.2", "part's", {"job": job, "part": 2}), Request("alone", "alone's", {"text": "x"})]
    )
    assert claim(ledger, "a", "part's", COPY, (job, 2)) == 1
    assert claim(ledger, "b", "alone's", COPY, ("alone", 0)) == 1


def test_what_ended_a_lost_run_is_kept_without_the_number_that_billiard_adds(ledger: Ledger) -> None:
    claim(ledger, "a", "tag", COPY, ("alone", 0))
    attempts.note_loss(ledger, [Request("alone", "tag")], RuntimeError("worker exited: signal 9 (SIGKILL) Job: 17."))
    assert ledger.claims.loss(("alone", 0)) == "worker exited: signal 9 (SIGKILL)"


def test_a_run_that_was_never_begun_has_no_loss(ledger: Ledger) -> None:
    attempts.note_loss(ledger, [Request("alone", "tag")], RuntimeError("gone"))
    assert ledger.claims.loss(("alone", 0)) == ""


def test_a_redis_that_is_away_and_fields_that_name_no_part_are_logged_only(
    ledger: Ledger, unused_port: int, caplog: pytest.LogCaptureFixture
) -> None:
    away = Ledger(Redis(port=unused_port))
    with caplog.at_level(logging.WARNING):
        attempts.uncount(away, [Request("alone", "tag"), Request("other", "its")])  # it is asked once
        attempts.note_loss(away, [Request("alone", "tag")], RuntimeError("gone"))
        attempts.uncount(ledger, [Request("x", "tag", {"job": "j", "part": "no number"})])
    assert len(caplog.records) == 3


def test_runs_that_kill_before_they_are_claimed_are_counted_and_only_those(ledger: Ledger) -> None:
    job = opened(ledger, 3)
    part = [Request(f"{job}.{n}", f"tag-{n}", {"job": job, "part": n}) for n in (1, 2, 3)]
    claim(ledger, "a", "tag-1", COPY, (job, 1))
    attempts.note_loss(ledger, part[:2], RuntimeError("died"), is_their_fault=True)
    assert [early(ledger, job, n) for n in (1, 2)] == [0, 0], "the one that was claimed may have done it"
    attempts.note_loss(ledger, part[1:], RuntimeError("died"), is_their_fault=False)
    assert [early(ledger, job, n) for n in (2, 3)] == [0, 0], "the worker ended them"
    attempts.note_loss(ledger, part[1:], RuntimeError("died"), is_their_fault=True)
    assert [early(ledger, job, n) for n in (2, 3)] == [1, 1]
    assert ledger.claims.loss((job, 3)) == "died"
    claim(ledger, "b", "tag-2", COPY, (job, 2))
    assert early(ledger, job, 2) == 0, "it does not kill before it is claimed"


def test_a_message_that_comes_again_has_its_old_tag_and_may_kill_before_its_next_claim(ledger: Ledger) -> None:
    job = opened(ledger, 1)
    part = [Request(f"{job}.1", "tag", {"job": job, "part": 1})]
    claim(ledger, "a", "tag", COPY, (job, 1))
    for counted in (0, 1, 2):
        attempts.note_loss(ledger, part, RuntimeError("died"), is_their_fault=True)
        assert early(ledger, job, 1) == counted
    attempts.uncount(ledger, part)
    taken = ledger.claims.take(job, 1)
    assert taken is not None
    assert taken.runs == 1, "the run that was claimed was lost before"


def test_a_loss_that_is_noted_again_because_the_answer_was_lost_counts_once(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("secrets.token_hex", lambda size: "the same call")
    job = opened(ledger, 1)
    for _ in range(2):
        ledger.claims.note_loss("tag", (job, 1), "died", is_early=True)
        assert ledger.claims.lost("alone", "tag", "died", is_job=False) == 1
    assert early(ledger, job, 1) == 1


def early(ledger: Ledger, job: str, part: int) -> int:
    taken = ledger.claims.take(job, part)
    assert taken is not None
    return taken.early


def test_nothing_is_counted_of_a_part_whose_job_has_ended(ledger: Ledger, raw_redis: Any) -> None:
    attempts.note_loss(
        ledger, [Request("gone.1", "tag", {"job": "gone", "part": 1})], RuntimeError("died"), is_their_fault=True
    )
    assert not raw_redis.exists(keys.attempts("gone"))
