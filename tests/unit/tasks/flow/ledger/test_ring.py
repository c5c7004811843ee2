"""Jobs share a model's queue: what is under way is bounded, and jobs are served in rotation."""

from __future__ import annotations

import itertools
import json
import random
import uuid
from dataclasses import replace
from typing import Any

import pytest

from tasks.flow.ledger import Ledger
from tasks.flow.ledger.record import ArtifactClaim
from tasks.redis import keys
from tests.unit.tasks.flow.ledger.opened_jobs import FLOW, MODEL, OPENING, opened, parts_sent

ROOM = 6


@pytest.fixture(autouse=True)
def _slots(raw_redis: Any) -> None:
    raw_redis.zadd(keys.capacity(MODEL), {f"slot{n}|1": 9e15 for n in range(ROOM)})


def take(raw_redis: Any) -> tuple[str, int] | None:
    """The job and part of the next message of the model's queue, as a slot takes it."""
    raw = raw_redis.rpop(MODEL)
    fields = json.loads(json.loads(raw)["body"])[1] if raw else None
    return (fields["job"], fields["part"]) if fields else None


def serve(ledger: Ledger, raw_redis: Any, limit: int = 10_000) -> list[tuple[str, int]]:
    """Take and settle up to so many parts, one by one; which ones."""
    served: list[tuple[str, int]] = []
    while len(served) < limit and (taken := take(raw_redis)):
        if ledger.transitions.settle(*taken, "done", {}) == "done":
            served.append(taken)
    return served


def under_way(raw_redis: Any) -> int:
    return int(raw_redis.zcard(keys.ring_sent(MODEL)))


def is_empty(raw_redis: Any) -> bool:
    return not raw_redis.exists(keys.ring(MODEL), keys.ring_jobs(MODEL), keys.ring_sent(MODEL))


def book_of(ledger: Ledger, *chapters: int) -> str:
    """A book whose chapters are all open, with so many parts each."""
    book = uuid.uuid4().hex
    above = replace(OPENING, kind="book", part_queue=FLOW, part_list=FLOW, width=len(chapters))
    ledger.transitions.open(book, replace(above, payloads=["C"] * len(chapters)))
    for number, total in enumerate(chapters, 1):
        one = replace(OPENING, payloads=["Pa"] * total, parent=(book, number))
        ledger.transitions.open(f"{book}.{number}", one)
    return book


def test_a_short_job_that_came_last_is_served_between_its_parts_and_the_parts_of_each_keep_their_order(
    ledger: Ledger, raw_redis: Any
) -> None:
    long = opened(ledger, 300)
    short = opened(ledger, 10)
    served = serve(ledger, raw_redis)
    last_of_short = max(at for at, (job, _) in enumerate(served, 1) if job == short)
    assert last_of_short <= ROOM + 2 * 10
    for job, total in ((long, 300), (short, 10)):
        assert [part for one, part in served if one == job] == list(range(1, total + 1))
    assert is_empty(raw_redis)


def test_many_jobs_have_no_more_under_way_than_the_slots_take_and_are_served_in_rotation(
    ledger: Ledger, raw_redis: Any
) -> None:
    jobs = [opened(ledger, 20) for _ in range(30)]
    assert raw_redis.llen(MODEL) == ROOM
    served = serve(ledger, raw_redis, limit=ROOM + 2 * len(jobs))
    assert under_way(raw_redis) == ROOM
    later = [job for job, _ in served[ROOM:]]
    assert all(later.count(job) == 2 for job in jobs)


def test_slots_that_take_many_at_once_get_a_batch_of_one_job_in_a_row(ledger: Ledger, raw_redis: Any) -> None:
    raw_redis.delete(keys.capacity(MODEL))
    raw_redis.zadd(keys.capacity(MODEL), {"a|12": 9e15, "b|12": 9e15})
    jobs = [opened(ledger, 40) for _ in range(3)]
    later = [jobs.index(job) for job, _ in serve(ledger, raw_redis)[24:]]
    rows = [list(row) for _, row in itertools.groupby(later)]
    assert {len(row) for row in rows[:-3]} == {4}
    assert [row[0] for row in rows[:6]] == [row[0] for row in rows[:3]] * 2
    assert sorted(row[0] for row in rows[:3]) == [0, 1, 2]


def test_a_book_is_in_the_ring_once_whatever_number_of_chapters_is_open_and_they_go_in_order(
    ledger: Ledger, raw_redis: Any
) -> None:
    alone = opened(ledger, 100)
    book = book_of(ledger, 30, 30, 30)
    served = serve(ledger, raw_redis, limit=ROOM + 80)[ROOM:]
    assert sum(job == alone for job, _ in served) == 40
    assert [one for one in served if one[0] != alone] == [
        *((f"{book}.1", part) for part in range(1, 31)),
        *((f"{book}.2", part) for part in range(1, 11)),
    ]


def test_a_jobs_own_width_is_an_upper_bound_and_others_have_the_rest(ledger: Ledger, raw_redis: Any) -> None:
    narrow = opened(ledger, 50, width=2)
    wide = opened(ledger, 50, width=1000)
    served = []
    for _ in range(40):
        assert ledger.queries.states(narrow).count("q") in (1, 2)
        assert (ledger.queries.states(narrow) + ledger.queries.states(wide)).count("q") == ROOM
        served += serve(ledger, raw_redis, limit=1)
    assert sum(job == narrow for job, _ in served) >= 40 // ROOM


def test_what_is_cancelled_gives_its_room_to_others_in_the_same_step(ledger: Ledger, raw_redis: Any) -> None:
    book = book_of(ledger, 40, 40)
    waits = opened(ledger, 40)
    assert not parts_sent(raw_redis, waits)
    ledger.transitions.cancel(book)
    assert len(parts_sent(raw_redis, waits)) == ROOM == under_way(raw_redis)
    assert [job for job, _ in serve(ledger, raw_redis)] == [waits] * 40
    assert is_empty(raw_redis)


def test_what_waits_for_a_further_try_or_for_another_slot_leaves_its_room_to_others(
    ledger: Ledger, raw_redis: Any
) -> None:
    job = opened(ledger, 20)
    ledger.transitions.settle(job, 1, "again", {})
    assert parts_sent(raw_redis, job) == list(range(1, ROOM + 2))
    ledger.claims.claim_all([ArtifactClaim("art", "tag", (MODEL, "copy"), (job, 2), MODEL)])
    raw_redis.zadd(keys.LEASES, {"tag": 9e15})
    ledger.claims.claim_all([ArtifactClaim("art", "other", (MODEL, "copy"), (job, 3), MODEL)])
    assert under_way(raw_redis) == ROOM
    assert parts_sent(raw_redis, job) == list(range(1, ROOM + 3))


def test_parts_that_are_reopened_or_added_are_served(ledger: Ledger, raw_redis: Any) -> None:
    job, other = opened(ledger, 2), opened(ledger, 100)
    for part in (1, 2):
        ledger.transitions.settle(job, part, "done", {})
    assert ledger.transitions.reopen(job, [1]) == 1
    first = [one for one in serve(ledger, raw_redis, limit=2 * ROOM) if one[0] == job]
    assert first == [(job, 1)], "its old messages change nothing"
    assert ledger.transitions.extend(job, 2, ["Pc", "Pd"])
    assert [one for one in serve(ledger, raw_redis) if one[0] == job] == [(job, 3), (job, 4)]
    assert ledger.queries.states(other) == "d" * 100


def test_room_that_a_lost_job_has_taken_is_found_by_the_sweep(ledger: Ledger, raw_redis: Any) -> None:
    gone = opened(ledger, 50)
    ledger.transitions.forget(gone)
    raw_redis.delete(MODEL)
    waits = opened(ledger, 50)
    assert not parts_sent(raw_redis, waits)
    ledger.transitions.sweep(waits, 100)
    assert len(parts_sent(raw_redis, waits)) == ROOM
    assert [job for job, _ in serve(ledger, raw_redis)] == [waits] * 50
    assert is_empty(raw_redis)


def test_a_job_that_the_ring_lost_is_put_back_by_the_sweep(ledger: Ledger, raw_redis: Any) -> None:
    opened(ledger, 50)
    waits = opened(ledger, 50)
    raw_redis.zrem(keys.ring(MODEL), f"={waits}")
    ledger.transitions.sweep(waits, 100)
    assert waits in {job for job, _ in serve(ledger, raw_redis, limit=2 * ROOM)}


def test_slots_that_come_later_get_work_with_the_next_settle_or_sweep(ledger: Ledger, raw_redis: Any) -> None:
    raw_redis.delete(keys.capacity(MODEL))
    job = opened(ledger, 100)
    assert under_way(raw_redis) == 4
    raw_redis.zadd(keys.capacity(MODEL), {"a|10": 9e15, "b|10": 9e15})
    serve(ledger, raw_redis, limit=1)
    assert under_way(raw_redis) == 20
    raw_redis.zadd(keys.capacity(MODEL), {"c|10": 9e15})
    ledger.transitions.sweep(job, 100)
    assert under_way(raw_redis) == 30


def test_a_job_that_an_older_version_opened_is_served(ledger: Ledger, raw_redis: Any) -> None:
    old = opened(ledger, 50)
    raw_redis.delete(keys.ring(MODEL), keys.ring_jobs(MODEL), keys.ring_sent(MODEL))
    raw_redis.hdel(keys.job(old), "top", "seated", "in_row")
    new = opened(ledger, 50)
    served = serve(ledger, raw_redis, limit=40)
    assert {job for job, _ in served[20:]} == {old, new}
    serve(ledger, raw_redis)
    assert set(ledger.queries.states(old) + ledger.queries.states(new)) == {"d"}


def test_ids_that_begin_like_others_are_not_mixed_up(ledger: Ledger, raw_redis: Any) -> None:
    ids = ["a", "a\n000000000\nb", "1:a\n000000000\na", "ab", "ạ"]
    for job in ids:
        ledger.transitions.open(job, replace(OPENING, payloads=["Pa"] * 9))
    assert sorted(set(serve(ledger, raw_redis))) == sorted((job, part) for job in ids for part in range(1, 10))
    assert is_empty(raw_redis)


@pytest.mark.parametrize("seed", range(8))
def test_whatever_happens_room_is_never_left_while_a_job_waits_and_all_is_done_at_the_end(
    ledger: Ledger, raw_redis: Any, seed: int
) -> None:
    chance = random.Random(seed)
    if seed % 2:  # parts go in rows of two
        raw_redis.delete(keys.capacity(MODEL))
        raw_redis.zadd(keys.capacity(MODEL), {"slot|6": 9e15})
    jobs = [opened(ledger, chance.randint(1, 25), width=chance.choice([None, 1, 3, 50])) for _ in range(6)]
    jobs += [f"{book_of(ledger, 9, 12)}.{number}" for number in (1, 2)]
    cancelled = chance.sample(jobs, 2)
    for step in range(120):
        if taken := take(raw_redis):
            ledger.transitions.settle(*taken, chance.choice(["done", "done", "failed", "again"]), {})
        if step in (30, 60):
            ledger.transitions.cancel(cancelled[step // 30 - 1])
        if chance.random() < 0.2:
            ledger.transitions.promote()
        assert under_way(raw_redis) <= ROOM
        assert under_way(raw_redis) == ROOM or not any(_could_send(raw_redis, job) for job in jobs)
    while raw_redis.exists(MODEL, keys.DELAYED):
        ledger.transitions.promote()
        serve(ledger, raw_redis)
    ended = [ledger.queries.states(job) for job in jobs if job not in cancelled]
    assert set("".join(ended)) <= {"d", "f"}
    assert is_empty(raw_redis)


def _could_send(raw_redis: Any, job: str) -> bool:
    record = raw_redis.hgetall(keys.job(job))
    states = (raw_redis.get(keys.states(job)) or b"").decode()
    width = int(record[b"width"])
    return record[b"state"] == b"open" and "." in states and (not width or states.count("q") < width)
