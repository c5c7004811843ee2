"""What asks: several clients at once, each asking again as soon as it has its answer. It knows no server.

A client that gets an error notes it, waits for a moment, and goes on with its next text; it does not ask again.
"""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Any, TypeAlias

LIMIT_S = 20.0
"""How long a client waits for an answer."""
PAUSE_S = 0.1
"""After an error."""
CHARS = 1500

Ask: TypeAlias = Callable[[str], Any]
Asker: TypeAlias = Callable[[], AbstractContextManager[Ask]]

_number = itertools.count(1)
_run = time.time_ns() % 10**9


class Refused(Exception):
    """No answer, but an error."""


@dataclass(frozen=True)
class Asked:
    """A text, and what became of it; times by the monotonic clock in seconds."""

    text: str
    began_s: float
    ended_s: float
    answer: Any
    error: str = ""


def fresh_texts(count: int) -> list[str]:
    """So many short programs of about 1,500 characters, which nobody has asked for before."""
    return [_program(number) for number in itertools.islice(_number, count)]


def closed_loop(asker: Asker, clients: int, lasts_s: float) -> list[Asked]:
    """What so many clients asked, each of them for so long, in the order of the ends."""
    found: list[Asked] = []
    ends_s = time.monotonic() + lasts_s

    def client() -> None:
        with asker() as ask:
            while time.monotonic() < ends_s:
                found.append(asked(ask, fresh_texts(1)[0]))
                if found[-1].error:
                    time.sleep(PAUSE_S)

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(found, key=lambda one: one.ended_s)


def all_at_once(asker: Asker, clients: int, texts: Sequence[str]) -> list[Any]:
    """The answers to all texts in order, asked by so many clients; an error ends it."""
    chunks = [texts[first::clients] for first in range(clients)]

    def client(chunk: Sequence[str]) -> list[Any]:
        with asker() as ask:
            return [ask(text) for text in chunk]

    with ThreadPoolExecutor(clients) as pool:
        answers = list(pool.map(client, chunks))
    return [answers[number % clients][number // clients] for number in range(len(texts))]


def asked(ask: Ask, text: str) -> Asked:
    """One text, and what became of it."""
    began_s = time.monotonic()
    try:
        answer, error = ask(text), ""
    except (Refused, OSError, HTTPException) as exc:
        answer, error = None, f"{type(exc).__name__}: {exc}"
    return Asked(text, began_s, time.monotonic(), answer, error)


@contextmanager
def over_http(port: int, path: str) -> Iterator[Ask]:
    """One client of a server on this machine; it keeps its connection, and connects again after an error."""
    connection = HTTPConnection("127.0.0.1", port, timeout=LIMIT_S)

    def ask(text: str) -> Any:
        try:
            connection.request("POST", path, json.dumps({"text": text}), {"Content-Type": "application/json"})
            response = connection.getresponse()
            content = response.read()
        except (OSError, HTTPException):
            connection.close()
            raise
        if response.status != 200:
            raise Refused(f"{response.status} {content.decode(errors='replace')[:100]}")
        return json.loads(content)

    try:
        yield ask
    finally:
        connection.close()


def _program(number: int) -> str:
    line = f"def step_{_run}_{number}(value):\n    return value * {number}\n\n\n"
    return line * (CHARS // len(line))
