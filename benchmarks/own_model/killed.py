"""What it costs that the process with the network is killed (SIGKILL) while clients ask.

Clients ask all the time (`load.py`). The process is the one that has noted the last input. «Lost» are texts whose
client got an error. «Computed twice» are inputs that processes have begun more than once. The silence is the longest
time without a good answer after the kill; a system whose last answer is older than `DEAD_S` when the clients stop
needs a hand.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.own_model import journal
from benchmarks.own_model.load import Asked, closed_loop
from benchmarks.own_model.speed import CLIENTS, Start, compared
from benchmarks.own_model.systems import Serving
from benchmarks.pairs import Spread, in_turn
from benchmarks.rig import Rig

if TYPE_CHECKING:
    from benchmarks.own_model.network import Network

KILL_AFTER_S = 2.0
DEAD_S = 2.0
HEAD = [
    f"killed while {CLIENTS} clients ask",
    "requests lost",
    "computed twice",
    "s without an answer",
    "answers flow again",
    "what a client sees",
]


@dataclass(frozen=True)
class Cost:
    """What one kill cost."""

    lost: int
    twice: int
    silence_s: float
    needs_hand: bool
    errors: tuple[str, ...]
    """Each sort of error, once."""


def rows(bench: Rig, network: Network, starts: Mapping[str, Start], lasts_s: float, rounds: int) -> Iterator[list[str]]:
    """A row a system; on the standard error a line a kill."""

    def cost(name: str, number: int) -> Cost:
        bench.client.flushall()
        (bench.folder / "journal").unlink(missing_ok=True)
        with starts[name](bench) as serving:
            found, answers = kill_under_load(serving, lasts_s)
        count = compared(network, name, answers)
        print(f"round {number + 1}: {name}: {found}; {count} answers are the network's", file=sys.stderr, flush=True)
        return found

    os.environ[journal.FILE] = str(bench.folder / "journal")
    for name, costs in in_turn({name: partial(cost, name) for name in starts}, rounds).items():
        yield [
            name,
            Spread(tuple(float(one.lost) for one in costs)).text(0),
            Spread(tuple(float(one.twice) for one in costs)).text(0),
            Spread(tuple(one.silence_s for one in costs)).text(1),
            "when a person starts it again" if any(one.needs_hand for one in costs) else "by themselves",
            "; ".join(sorted({error for one in costs for error in one.errors})) or "nothing",
        ]


def kill_under_load(serving: Serving, lasts_s: float) -> tuple[Cost, list[Asked]]:
    """Kill the process with the network after some seconds of load; what that cost, and all that was asked."""
    killed_s: list[float] = []

    def kill() -> None:
        victim = journal.lines()[-1]["pid"]
        killed_s.append(time.monotonic())
        os.kill(victim, signal.SIGKILL)

    timer = threading.Timer(KILL_AFTER_S, kill)
    ends_s = time.monotonic() + lasts_s
    timer.start()
    asked = closed_loop(serving.asker, CLIENTS, lasts_s)
    timer.join()
    return cost_of(asked, [line["input"] for line in journal.lines()], killed_s[0], ends_s), asked


def cost_of(asked: Sequence[Asked], inputs: Sequence[str], killed_s: float, ends_s: float) -> Cost:
    """The cost, of all that was asked in the order of its ends, and of the inputs that were begun.

    The clients stopped asking at `ends_s`.
    """
    good_s = [one.ended_s for one in asked if not one.error and one.ended_s > killed_s]
    needs_hand = ends_s - max(good_s, default=killed_s) > DEAD_S
    times_s = [killed_s, *good_s, *([ends_s] if needs_hand else [])]
    return Cost(
        lost=sum(bool(one.error) for one in asked),
        twice=sum(times - 1 for times in Counter(inputs).values()),
        silence_s=max(after - before for before, after in itertools.pairwise(times_s)),
        needs_hand=needs_hand,
        errors=tuple(sorted({one.error.partition(",")[0] for one in asked if one.error})),
    )
