"""How fast a system answers with the network: one client, several at once, many inputs together. Kills nothing."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from benchmarks.cpu_clock import family, seconds_of
from benchmarks.own_model.load import Asked, closed_loop, fresh_texts
from benchmarks.own_model.systems import Serving
from benchmarks.pairs import Spread, in_turn, ratios
from benchmarks.rig import Rig

if TYPE_CHECKING:
    from benchmarks.own_model.network import Network

Start: TypeAlias = Callable[[Rig], AbstractContextManager[Serving]]

CLIENTS = 16
WARM_UP_S = 0.5
TOLERANCE = 0.01
"""Of the score: the network's own answer differs by as much in a batch."""
RATES = ("alone_per_s", "clients_per_s", "together_per_s")
HEAD = [
    "the same network",
    "lines written",
    "ms to an answer, one client",
    "requests/s, one client",
    f"requests/s, {CLIENTS} clients",
    "inputs/s, all together",
    "÷ slotline's: one client, 16, together",
    "CPU ms an input",
]


@dataclass(frozen=True)
class Load:
    """What is asked in each round: for how long clients ask, and how many inputs together."""

    lasts_s: float
    inputs: int


@dataclass(frozen=True)
class Reading:
    """One system in one round."""

    single_s: float
    """The median answer to one client."""
    alone_per_s: float
    clients_per_s: float
    together_per_s: float
    cpu_s: float
    """Of all its processes and Redis, for each of the inputs that were asked for together."""


def rows(bench: Rig, network: Network, starts: Mapping[str, Start], load: Load, rounds: int) -> Iterator[list[str]]:
    """A row a system. On the standard error a line a reading. The first system is held against."""

    def reading(name: str, number: int) -> Reading:
        found, answers = measured(starts[name], load, bench)
        count = compared(network, name, answers)
        print(f"round {number + 1}: {name}: {found}; {count} answers are the network's", file=sys.stderr, flush=True)
        return found

    found = in_turn({name: partial(reading, name) for name in starts}, rounds)
    ours, *_ = found.values()
    for name, readings in found.items():
        rates = [[getattr(one, what) for one in readings] for what in RATES]
        times = [
            ratios(theirs, [getattr(one, what) for one in ours]) for what, theirs in zip(RATES, rates, strict=True)
        ]
        yield [
            name,
            Spread(tuple(1000 * one.single_s for one in readings)).text(1),
            *(Spread(tuple(values)).text(0) for values in rates),
            ", ".join(one.text(2) for one in times),
            Spread(tuple(1000 * one.cpu_s for one in readings)).text(1),
        ]


def measured(start: Start, load: Load, bench: Rig) -> tuple[Reading, list[Asked]]:
    """Start a system and ask it in three ways; its reading, and all that was asked."""
    bench.client.flushall()
    redis = int(bench.client.info("server")["process_id"])
    with start(bench) as serving:
        closed_loop(serving.asker, CLIENTS, WARM_UP_S)
        alone = closed_loop(serving.asker, 1, load.lasts_s)
        clients = closed_loop(serving.asker, CLIENTS, load.lasts_s)
        texts = fresh_texts(load.inputs)
        pids = [redis, *(pid for first in serving.pids for pid, _ in family(first))]
        before_s, began_s = sum(map(seconds_of, pids)), time.monotonic()
        answers = serving.many(texts)
        together_s, cpu_s = time.monotonic() - began_s, sum(map(seconds_of, pids)) - before_s
    together = [Asked(text, 0.0, 0.0, answer) for text, answer in zip(texts, answers, strict=True)]
    times_s = sorted(one.ended_s - one.began_s for one in alone)
    reading = Reading(
        single_s=times_s[len(times_s) // 2],
        alone_per_s=per_s(alone),
        clients_per_s=per_s(clients),
        together_per_s=load.inputs / together_s,
        cpu_s=cpu_s / load.inputs,
    )
    return reading, [*alone, *clients, *together]


def per_s(asked: Sequence[Asked]) -> float:
    """Answers a second."""
    return len(asked) / (asked[-1].ended_s - min(one.began_s for one in asked))


def compared(network: Network, name: str, asked: Sequence[Asked]) -> int:
    """How many answers were compared with the network's own; raises `ValueError` for one that differs."""
    good = [one for one in asked if not one.error]
    for one in good:
        (own,) = network.answers([one.text])
        answer = one.answer
        if own["label"] != answer["label"] or not math.isclose(own["score"], answer["score"], abs_tol=TOLERANCE):
            raise ValueError(f"{name} answers {answer}, the network {own}, for {one.text[:60]!r}")
    return len(good)
