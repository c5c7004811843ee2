"""An estimate says when, by Redis' clock, and from what; or why that is not known."""

from __future__ import annotations

from dataclasses import replace

from tasks.estimates.estimate import Estimate, ended, of
from tests.unit.tasks.estimates.test_forecast import ALOUD, job, snapshot


def test_an_estimate_says_when_and_from_what() -> None:
    assert of(snapshot(job("job", [100] * 10)), ["job", "ended"], 0.1) == {
        "job": Estimate("job", 5.0, 1005.0, "32 samples of its pace, 2 slots, 0 other jobs")
    }


def test_what_is_not_known_has_a_reason_and_no_number() -> None:
    now = snapshot(job("job", [100]), model=replace(ALOUD, slots=0))
    assert of(now, ["job"], 0.1)["job"] == Estimate("job", None, None, why="no worker of aloud is ready")
    many = replace(now, is_whole=False, jobs={})
    assert of(many, ["job"], 0.1)["job"].why == "more than 2,000 jobs are open; nothing is estimated then"


def test_an_estimate_is_json() -> None:
    assert ended("job", 7.0).fields() == {
        "job_id": "job", "seconds_left": 0.0, "ends_at": 7.0, "based_on": "it has ended", "why": "",
    }  # fmt: skip
