"""What must hold when a storm is over: in the audio, in the ledger, and in Redis. Changes nothing.

The audio is compared with what it must be, sample by sample; where it differs, the
openings that are heard in it tell which paragraphs are lost, doubled or out of order.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import redis

from producer import Client
from producer.job import Job
from tasks.errors import SlotlineError
from tasks.messages import BookResult, ChapterResult
from tasks.redis import keys
from tasks.routing import list_keys
from tests.chaos import library
from tests.chaos.fleet import MODEL

LASTING = (
    "jobs",
    "job:",
    "slot:",
    "idle:",
    "capacity:",
    "offer:",
    "health:",
    "healthmore:",
    "beat",
    "sweeper",
    "hasten",
    "reading:",
    "setaside",
    "name:",
    "fair:",
    "load:",
    "loaded:",
    "pace:",
    "room:",
    "laststore",
    "pruner",
    "retention",
    "store:",
    "stores",
)
"""What may stay of slotline's keys when nothing is under way; each has an end of its own or is one key."""


@dataclass(frozen=True)
class Book:
    """A book that was asked for."""

    number: int
    chapters: list[library.Chapter]
    job: Job


@dataclass
class Findings:
    """What does not hold of a book; all empty is well."""

    wrong: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)


def of_book(client: Client, book: Book) -> Findings:
    """Its result, its chapters' audio, its record."""
    found, name = Findings(), f"book {book.number}"
    try:
        result = book.job.result()
    except SlotlineError as exc:
        found.wrong.append(f"{name} ended {book.job.status()}: {exc}")
        return found
    assert isinstance(result, BookResult)
    if [one.title for one in result.chapters] != [one.title for one in book.chapters]:
        found.wrong.append(f"{name}: its chapters are {[one.title for one in result.chapters]}")
        return found
    for part, (chapter, made) in enumerate(zip(book.chapters, result.chapters, strict=True), 1):
        where = f"{name}, {chapter.title}"
        _sound(found, where, client, chapter, made, book)
        _record(found, where, client, f"{book.job.id}.{part}", len(chapter.paragraphs))
    return found


def _sound(
    found: Findings, where: str, client: Client, chapter: library.Chapter, made: ChapterResult, book: Book
) -> None:
    if made.audio is None:
        found.lost += chapter.paragraphs
        found.wrong.append(f"{where}: has no audio")
        return
    audio = library.samples(client.store.read_bytes(made.audio.artifact))
    if audio.tobytes() == library.chapter_sound(chapter).tobytes():
        return
    heard = library.heard(audio, book.chapters)
    told = Counter(heard)
    lost = [one for one in chapter.paragraphs if not told[one]]
    doubled = [one for one, count in told.items() if count > 1]
    found.lost += lost
    found.doubled += doubled
    found.wrong.append(f"{where}: lost {lost}, doubled {doubled}; heard {heard}")


def _record(found: Findings, where: str, client: Client, job_id: str, total: int) -> None:
    """What the ledger says: every part settled once, and nothing left to do."""
    record, states = client.ledger.queries.record(job_id), client.ledger.queries.states(job_id)
    if record is None:
        found.wrong.append(f"{where}: the ledger has no record of {job_id}")
        return
    if record.label != "SUCCESS" or states != "d" * total or record.done != total or record.failed:
        found.wrong.append(f"{where}: {record.label}, done {record.done}, failed {record.failed}, parts {states}")
    audio = [outcome["audio"] for outcome in client.ledger.queries.outcomes(job_id).values()]
    seconds = sum(one["frames"] / one["sample_rate"] for one in audio)
    settled = record.measure.amount if record.measure else 0.0
    if abs(settled - seconds) > 1e-3:
        found.doubled.append(job_id)
        found.wrong.append(f"{where}: {settled} s of audio settled, {seconds} s made")


def under_way(redis_url: str) -> list[str]:
    """What is in Redis that should not be when all jobs have ended, a line each."""
    found = []
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        for name in (*list_keys(MODEL), *list_keys("flow")):
            if length := client.llen(name):
                found.append(f"{length} messages in the queue {name!r}")
        for key in _keys(client, f"{keys.PREFIX}*"):
            if not key.removeprefix(keys.PREFIX).startswith(LASTING):
                found.append(f"{key} ({client.type(key)}) is left; it lives for {client.ttl(key)} s")
    return found


def of_redis(redis_url: str) -> list[str]:
    """What is under way, set aside, or has no end."""
    found = under_way(redis_url)
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        found += [f"set aside: {entry[:300]}" for entry in client.lrange(keys.SET_ASIDE, 0, -1)]
        ours = ("_kombu.binding", keys.PREFIX)
        endless = [key for key in _keys(client, "*") if not key.startswith(ours) and client.ttl(key) == -1]
    return found + [f"{key} has no end" for key in endless[:10]]


def _keys(client: Any, pattern: str) -> list[str]:
    return sorted(client.scan_iter(match=pattern, count=1000))
