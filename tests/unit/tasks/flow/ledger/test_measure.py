"""What a job has made so far: added up under a name of its kind's own, in the record and in PROGRESS."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

import pytest

from tasks.flow.ledger import Ledger
from tasks.flow.ledger.record import Measure
from tasks.kinds.speech import AUDIO
from tasks.redis import keys
from tests.unit.tasks.flow.ledger.opened_jobs import OPENING, progress, record_of

FRAMES = Measure("video_frames", 0.0, "frames «of» film")
"""A made-up one, whose unit is no plain word of JSON."""

MEASURES = pytest.mark.parametrize("measure", [AUDIO, FRAMES], ids=lambda measure: measure.name)


def opened(ledger: Ledger, measure: Measure | None) -> str:
    job = uuid.uuid4().hex
    ledger.transitions.open(job, replace(OPENING, payloads=["Pone", "Ptwo", "Pthree"], measure=measure))
    return job


@MEASURES
def test_progress_names_the_measure_from_the_opening_on(ledger: Ledger, raw_redis: Any, measure: Measure) -> None:
    job = opened(ledger, measure)
    result = progress(raw_redis, job)["result"]
    assert result[measure.name] == 0
    assert result["measure"] == {"amount": 0, "unit": measure.unit}
    assert record_of(ledger, job).measure == measure


@MEASURES
def test_what_parts_made_adds_up(ledger: Ledger, raw_redis: Any, measure: Measure) -> None:
    job = opened(ledger, measure)
    for part, amount in ((1, 1.25), (3, 2.5)):
        ledger.transitions.settle(job, part, "done", {}, measure=replace(measure, amount=amount))
    ledger.transitions.settle(job, 2, "failed", {"error": {}})
    assert record_of(ledger, job).measure == replace(measure, amount=3.75)
    result = progress(raw_redis, job)["result"]
    assert (result[measure.name], result["measure"]["amount"]) == (3.75, 3.75)


def test_a_job_of_which_nothing_is_measured_says_nothing(ledger: Ledger, raw_redis: Any) -> None:
    job = opened(ledger, None)
    ledger.transitions.settle(job, 1, "done", {})
    assert record_of(ledger, job).measure is None
    assert set(progress(raw_redis, job)["result"]) == {"total", "done", "failed", "skipped", "computed"}


def test_an_open_job_of_an_older_version_goes_on_with_what_it_had(ledger: Ledger, raw_redis: Any) -> None:
    job = opened(ledger, AUDIO)
    raw_redis.hdel(keys.job(job), "measure", "unit")
    raw_redis.hset(keys.job(job), AUDIO.name, 12.5)
    assert record_of(ledger, job).measure is None
    ledger.transitions.settle(job, 1, "failed", {"error": {}})
    ledger.transitions.settle(job, 2, "done", {}, measure=replace(AUDIO, amount=1.5))
    assert record_of(ledger, job).measure == replace(AUDIO, amount=14.0)
    assert progress(raw_redis, job)["result"]["audio_s"] == 14.0


@pytest.mark.parametrize("name", ["total", "measure", "two words", ""])
def test_a_name_that_a_record_has_already_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="measure"):
        Measure(name, 0.0, "things")
