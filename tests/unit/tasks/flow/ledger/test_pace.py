"""How long parts take is noted with their settlement, by Redis' clock; what was not computed is no sample."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tasks.flow.ledger import Ledger
from tasks.flow.ledger.record import Settlement
from tasks.flow.ledger.run_times import Ended
from tasks.redis import keys
from tests.unit.tasks.flow.ledger.opened_jobs import MODEL, OPENING, claim


@pytest.fixture
def job(ledger: Ledger) -> str:
    ledger.transitions.open("job", replace(OPENING, payloads=["P"] * 4, sizes=[100, 120, 900, 100]))
    return "job"


def begin(ledger: Ledger, raw_redis: Any, job: str, part: int, ago_ms: int) -> None:
    """A run of the part that was claimed so long ago."""
    assert claim(ledger, f"artifact {part}", f"tag {part}", (MODEL, "{}"), (job, part)) == 1
    seconds, micros = raw_redis.time()
    raw_redis.hset(keys.attempts(job), f"{part}@", seconds * 1000 + micros // 1000 - ago_ms)


def settle(ledger: Ledger, job: str, *parts: int, since_s: float | None = None) -> None:
    """These parts end together, so long after the end before them."""
    settlements = [Settlement(job, part, "done", {}, 1, attempt=1) for part in parts]
    ledger.endings.write(settlements, [], [], [Ended([(job, part) for part in parts], 0.0, since_s)])


def sums(raw_redis: Any, what: str = MODEL) -> dict[str, list[float]]:
    """Class of sizes -> samples, parts, size and ms."""
    found = raw_redis.hgetall(keys.pace(what))
    return {name.decode(): [float(one) for one in value.split()[:4]] for name, value in found.items()}


def test_of_an_idle_slot_a_part_took_the_time_since_its_claim(ledger: Ledger, raw_redis: Any, job: str) -> None:
    begin(ledger, raw_redis, job, 1, ago_ms=2000)
    settle(ledger, job, 1, since_s=60)
    assert sums(raw_redis) == {"s6": [1, 1, 100, pytest.approx(2000, abs=100)]}


def test_of_a_busy_slot_it_took_the_time_since_the_last_end_however_early_it_was_claimed(
    ledger: Ledger, raw_redis: Any, job: str
) -> None:
    begin(ledger, raw_redis, job, 1, ago_ms=9000)
    settle(ledger, job, 1, since_s=3)
    assert sums(raw_redis)["s6"][3] == pytest.approx(3000, abs=100)


def test_the_moment_between_an_end_and_the_next_claim_counts(ledger: Ledger, raw_redis: Any, job: str) -> None:
    begin(ledger, raw_redis, job, 1, ago_ms=3000)
    settle(ledger, job, 1, since_s=3.04)
    assert sums(raw_redis)["s6"][3] == pytest.approx(3040, abs=10)


def test_parts_that_end_together_are_one_sample(ledger: Ledger, raw_redis: Any, job: str) -> None:
    for part in (1, 2):
        begin(ledger, raw_redis, job, part, ago_ms=1000)
    settle(ledger, job, 1, 2)
    assert sums(raw_redis) == {"s6": [1, 2, 220, pytest.approx(1000, abs=100)]}


def test_sizes_that_differ_much_are_kept_apart(ledger: Ledger, raw_redis: Any, job: str) -> None:
    for part in (1, 3):
        begin(ledger, raw_redis, job, part, ago_ms=1000)
        settle(ledger, job, part)
    assert sorted(sums(raw_redis)) == ["s6", "s9"]


def test_ends_that_are_noted_later_are_one_sample_of_the_times_between_them(
    ledger: Ledger, raw_redis: Any, job: str
) -> None:
    begin(ledger, raw_redis, job, 1, ago_ms=5000)
    begin(ledger, raw_redis, job, 4, ago_ms=1500)
    ledger.endings.write([], [], [], [Ended([(job, 1)], 3.0, None), Ended([(job, 4)], 1.0, 2.0)])
    assert sums(raw_redis) == {"s6": [1, 2, 200, pytest.approx(2500, abs=100)]}


def test_what_was_never_claimed_or_whose_job_is_gone_is_no_sample(ledger: Ledger, raw_redis: Any, job: str) -> None:
    settle(ledger, job, 2)
    settle(ledger, "gone", 1)
    assert sums(raw_redis) == {}


def test_a_job_of_an_older_version_without_sizes_is_no_sample(ledger: Ledger, raw_redis: Any, job: str) -> None:
    raw_redis.delete(keys.sizes(job))
    begin(ledger, raw_redis, job, 1, ago_ms=1000)
    settle(ledger, job, 1)
    assert sums(raw_redis) == {}


def test_one_sample_that_is_much_too_long_does_not_spoil_the_pace_and_old_ones_fade(
    ledger: Ledger, raw_redis: Any
) -> None:
    total = 200
    ledger.transitions.open("long", replace(OPENING, payloads=["P"] * total, sizes=[100] * total))

    def took(parts: range, ms: int) -> None:
        for part in parts:
            begin(ledger, raw_redis, "long", part, ago_ms=ms)
            settle(ledger, "long", part)

    def mean() -> float:
        _, parts, _, ms = sums(raw_redis)["s6"]
        return ms / parts

    took(range(1, 21), 1000)
    took(range(21, 22), 3_600_000)
    assert mean() < 1300
    took(range(22, 150), 2000)
    assert mean() == pytest.approx(2000, rel=0.05)


def test_how_long_the_end_of_a_job_takes_is_noted_by_its_kind(ledger: Ledger, raw_redis: Any, job: str) -> None:
    settle(ledger, job, 1, 2, 3, 4)
    finishing = int(raw_redis.hget(keys.job(job), "finishing_ms"))
    raw_redis.hset(keys.job(job), "finishing_ms", finishing - 500)
    ledger.transitions.end(job, "chapter", "SUCCESS", {}, None)
    assert sums(raw_redis, "flow:chapter") == {"s2": [1, 1, 4, pytest.approx(500, abs=100)]}


def test_how_many_further_parts_a_kind_needs_is_noted_where_it_needs_any(
    ledger: Ledger, raw_redis: Any, job: str
) -> None:
    settle(ledger, job, 1, 2, 3, 4)
    ledger.transitions.extend(job, 4, ["2"])
    settle(ledger, job, 5)
    ledger.transitions.end(job, "chapter", "SUCCESS", {}, None)
    assert raw_redis.hget(keys.pace("flow:chapter"), "grown").split() == [b"1", b"4", b"5"]


def test_a_pace_that_cannot_be_noted_costs_no_settlement(ledger: Ledger, raw_redis: Any, job: str) -> None:
    raw_redis.set(keys.pace(MODEL), "no hash")
    begin(ledger, raw_redis, job, 1, ago_ms=1000)
    settle(ledger, job, 1)
    assert ledger.queries.states(job)[0] == "d"
