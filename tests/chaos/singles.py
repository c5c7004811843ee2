"""What any Celery client asks for beside a storm's books: paragraphs alone, under odd ids, half with a countdown.

Sent by Celery's own `send_task`, from which slotline learns nothing else. Each must succeed, with
the sound that its text has.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Sequence
from dataclasses import dataclass

from celery import Celery
from kombu.exceptions import OperationalError

from producer import Client
from tasks.redis.broker import celery_settings
from tests.chaos import library
from tests.chaos.fleet import MODEL

A_BOOK = 8
COUNTDOWN_S = 4.0
ODD = (
    'quote " and \\',
    "line\nend\r\n",
    "tab\t nul\0 esc \x1b[2J",
    "Chí Phèo: a.1.2 *?[%41",
    "{\"job\": '$1'}",
    "-- ; \u2028",
)


@dataclass(frozen=True)
class Single:
    """One paragraph that is asked for alone."""

    task_id: str
    text: str
    countdown_s: float | None


def of_book(seed: int, number: int) -> list[Single]:
    """Those that go with a book, the same for the same seed and number."""
    hand = random.Random(f"singles {seed} {number}")
    texts = [text for chapter in library.book(seed, -number, A_BOOK) for text in chapter.paragraphs]
    return [
        Single(f"{ODD[n % len(ODD)]} {number}.{n}", text, hand.uniform(0, COUNTDOWN_S) if n % 2 else None)
        for n, text in enumerate(texts)
    ]


def odd_id(number: int) -> str:
    """A book's."""
    return f"book {ODD[number % len(ODD)]} {number}"


def send(redis_url: str, singles: Sequence[Single]) -> list[Single]:
    """Send them; those that could not be sent, because Redis is away."""
    left = list(singles)
    with Celery("anybody", set_as_current=False) as app, contextlib.suppress(OperationalError):
        app.conf.update(celery_settings(redis_url), task_ignore_result=True)
        while left:
            kwargs = {"text": left[0].text, "model": MODEL, "speed": library.SPEED}
            app.send_task(
                "speech.paragraph", kwargs=kwargs, task_id=left[0].task_id, queue=MODEL,
                countdown=left[0].countdown_s, retry=False,
            )  # fmt: skip
            left.pop(0)
    return left


def status(client: Client, single: Single) -> str:
    """Celery's."""
    with client.connection.speaking():
        stored = client.ledger.queries.stored_result(single.task_id)
    return str(stored["status"]) if stored else "PENDING"


def fault(client: Client, single: Single) -> str:
    """What does not hold of its result; empty is well."""
    stored = client.ledger.queries.stored_result(single.task_id)
    where = f"the paragraph {single.task_id!r}"
    if stored is None or stored["status"] != "SUCCESS":
        return f"{where} ended as {stored}"
    audio = library.samples(client.store.read_bytes(stored["result"]["audio"]["artifact"]))
    return "" if audio.tobytes() == library.sound_of(single.text).tobytes() else f"{where} has another's sound"
