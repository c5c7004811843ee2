"""What a storm did to each paragraph, from the rehearsal's journal and the hand's own log. Pure, but for `Journal`.

A run is one time that a process computed a text. Times are CLOCK_MONOTONIC in seconds, the
same for all processes of the host. A process computes nothing while it is frozen, so that
time counts in no overlap.
"""

from __future__ import annotations

import itertools
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

Span = tuple[float, float]

SWALLOW = "swallow"
MADE_READY_S = 0.5
"""For how long a slot may go on with what it has made ready, when it hears nothing any more."""


@dataclass
class Run:
    """One process computing one text. Neither ended nor died: it still runs."""

    text: str
    pid: int
    began_s: float
    ended_s: float | None = None
    died_s: float | None = None
    """When its process was seen to be gone, where it never ended."""

    @property
    def over_s(self) -> float:
        """Its end, whichever; endless while it runs."""
        return self.ended_s or self.died_s or float("inf")


@dataclass(frozen=True)
class Strike:
    """A fault that hit these processes at `at_s`: killed, frozen until `until_s`, or not heard any more."""

    kind: str
    at_s: float
    pids: frozenset[int]
    until_s: float | None = None


@dataclass(frozen=True)
class Recovery:
    """How long a struck part waited until another process began it, or a process that was not heard began nothing.

    `redis_away`: Redis was, too, for a part of it.
    """

    kind: str
    seconds: float
    redis_away: bool


@dataclass(frozen=True)
class Overlap:
    """How long two processes computed one text at once."""

    text: str
    pids: tuple[int, int]
    seconds: float


@dataclass(frozen=True)
class Figures:
    """What is counted over a storm's runs."""

    begun: int
    interrupted: int
    computed_again: int
    """Runs that ended although an earlier one of the same text had."""
    overlaps: list[Overlap] = field(default_factory=list)
    recoveries: list[Recovery] = field(default_factory=list)


class Journal:
    """The runs in a journal that grows; `read` takes what is new."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.runs: list[Run] = []
        self._open: dict[tuple[int, str], Run] = {}
        self._offset = 0

    @property
    def open_runs(self) -> list[Run]:
        """Those that neither ended nor died."""
        return list(self._open.values())

    def read(self) -> None:
        """Take in the lines written since."""
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            file.seek(self._offset)
            whole = file.read().rpartition(b"\n")
        self._offset += len(whole[0]) + len(whole[1])
        for line in whole[0].splitlines():
            self.take(json.loads(line))

    def take(self, line: dict[str, object]) -> None:
        """Take in one line."""
        pid, text, at_s = int(str(line["pid"])), str(line["text"]), float(str(line["ns"])) / 1e9
        if line["what"] == "began":
            run = Run(text, pid, at_s)
            self.runs.append(run)
            self._open[pid, text] = run
        elif run_ended := self._open.pop((pid, text), None):
            run_ended.ended_s = at_s

    def died(self, pid: int, at_s: float) -> None:
        """The process is gone: what it had begun will not end."""
        for key in [key for key in self._open if key[0] == pid]:
            self._open.pop(key).died_s = at_s


def figures(runs: Sequence[Run], strikes: Sequence[Strike], redis_away: Sequence[Span]) -> Figures:
    """Count what the strikes cost the runs."""
    by_text: dict[str, list[Run]] = defaultdict(list)
    for run in sorted(runs, key=lambda one: one.began_s):
        by_text[run.text].append(run)
    return Figures(
        begun=len(runs),
        interrupted=sum(run.ended_s is None for run in runs),
        computed_again=sum(max(0, sum(run.ended_s is not None for run in same) - 1) for same in by_text.values()),
        overlaps=[found for same in by_text.values() for found in _overlaps(same, strikes)],
        recoveries=[found for strike in strikes for found in _recoveries(strike, strikes, by_text, redis_away)],
    )


def awake(run: Run, strikes: Iterable[Strike]) -> list[Span]:
    """When it really computed: from its beginning to its end, less the time that its process was frozen."""
    spans = [(run.began_s, run.over_s)]
    for strike in strikes:
        if run.pid in strike.pids and strike.until_s is not None:
            cut = (strike.at_s, strike.until_s)
            spans = [piece for span in spans for piece in _without(span, cut)]
    return spans


def _without(span: Span, cut: Span) -> list[Span]:
    pieces = [(span[0], min(span[1], cut[0])), (max(span[0], cut[1]), span[1])]
    return [piece for piece in pieces if piece[0] < piece[1]]


def _overlaps(same: Sequence[Run], strikes: Sequence[Strike]) -> Iterable[Overlap]:
    for one, other in itertools.combinations(same, 2):
        if one.pid != other.pid and other.began_s < one.over_s:
            shared = itertools.product(awake(one, strikes), awake(other, strikes))
            seconds = sum(max(0.0, min(a[1], b[1]) - max(a[0], b[0])) for a, b in shared)
            if seconds > 0:
                yield Overlap(one.text, (one.pid, other.pid), seconds)


def _recoveries(
    strike: Strike, strikes: Iterable[Strike], by_text: dict[str, list[Run]], redis_away: Sequence[Span]
) -> Iterable[Recovery]:
    if strike.kind == SWALLOW:
        yield from _heard_again(strike, strikes, by_text, redis_away)
        return
    for same in by_text.values():
        if not any(run.pid in strike.pids and run.began_s <= strike.at_s < run.over_s for run in same):
            continue
        if later := [run.began_s for run in same if run.pid not in strike.pids and run.began_s > strike.at_s]:
            away = any(gone < min(later) and back > strike.at_s for gone, back in redis_away)
            yield Recovery(strike.kind, min(later) - strike.at_s, away)


def _heard_again(
    strike: Strike, strikes: Iterable[Strike], by_text: dict[str, list[Run]], redis_away: Sequence[Span]
) -> Iterable[Recovery]:
    """Until one of its processes begins again; that it begins what it had made ready before is no sign.

    If it is struck again before that, only the last strike counts.
    """
    first_s = strike.at_s + MADE_READY_S
    own = [run.began_s for same in by_text.values() for run in same if run.pid in strike.pids]
    again = [other.at_s for other in strikes if other.pids & strike.pids and other.at_s > strike.at_s]
    if (later := [began_s for began_s in own if began_s > first_s]) and min(later) < min(again, default=min(later) + 1):
        away = any(gone < min(later) and back > strike.at_s for gone, back in redis_away)
        yield Recovery(strike.kind, min(later) - strike.at_s, away)


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of them does not exceed (nearest rank); 0.0 of none."""
    ranked = sorted(values)
    return ranked[max(0, -(-int(share * 1000) * len(ranked) // 1000) - 1)] if ranked else 0.0
