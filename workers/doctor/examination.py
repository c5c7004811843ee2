"""Runs checks side by side, each with the same time limit, and gives their findings in order.

Guarantee: it answers when the limit is over, whatever hangs (a disk, a driver, a name server). A check that did not
answer, or raised, is a finding of its own. Its thread is left alone: it ends with the process.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread

from tasks.errors import SlotlineError
from workers.doctor.finding import Finding, wrong

LIMIT_S = 8.0

Answer = tuple[int, list[Finding]]


@dataclass(frozen=True)
class Check:
    """What it is about, and the look, which gives findings; `hangs` says what to do where it does not answer."""

    about: str
    look: Callable[[], Iterable[Finding]]
    hangs: str = ""


def examine(checks: Sequence[Check], limit_s: float = LIMIT_S) -> list[Finding]:
    """The findings of all checks, in their order."""
    answers: SimpleQueue[Answer] = SimpleQueue()
    for number, check in enumerate(checks):
        Thread(target=lambda n=number, one=check: answers.put((n, _looked(one))), daemon=True).start()
    found: dict[int, list[Finding]] = {}
    ends_s = time.monotonic() + limit_s
    while len(found) < len(checks):
        try:
            number, findings = answers.get(timeout=max(0.0, ends_s - time.monotonic()))
        except Empty:
            break
        found[number] = findings
    return [one for number, check in enumerate(checks) for one in found.get(number, [_silent(check, limit_s)])]


def _looked(check: Check) -> list[Finding]:
    try:
        return list(check.look())
    except SlotlineError as exc:
        return [wrong(check.about, str(exc))]
    except Exception as exc:  # the boundary of a thread: a broken package must not hide what the other checks find
        return [wrong(check.about, f"it could not be looked at: {type(exc).__name__}: {exc}")]


def _silent(check: Check, limit_s: float) -> Finding:
    return wrong(check.about, f"no answer within {limit_s:g} s: what it stands on hangs", check.hangs)
