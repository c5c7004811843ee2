"""A storm: books are read while a seeded hand kills, freezes, cuts, swallows and doubles; then everything is checked.

    python -m tests.chaos.storm [--seed N] [--kills 200] [--paragraphs 500] [--batch 4]

Its workers take other settings from the environment: with SLOTLINE_PIPELINE=0 it is a storm without the pipeline.
Beside the books single paragraphs are asked for, with odd ids and countdowns. In the end every
paragraph must be in the audio exactly once and in order, sample by sample; every job SUCCESS;
nothing set aside; no message in a queue, held or delayed; no process left. Prints a table of
what it cost. Exit status 1 when a check fails.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import redis

from producer import Client
from tasks.errors import SlotlineError
from tests.chaos import checks, library, singles
from tests.chaos.checks import Book
from tests.chaos.fleet import MODEL, Fleet, is_alive
from tests.chaos.hand import SHORT, Hand, many
from tests.chaos.journal import SWALLOW, Figures, Journal, figures, percentile
from tests.chaos.singles import Single

LEASE_S = 3.0
TICK_S = 0.02
LIMIT_S = 900.0
LIMIT_A_FAULT_S = 4.0
REST_LIMIT_S = 60.0
"""For what is left when the last job has ended: copies, and leases of the dead."""


@dataclass
class Storm:
    """What to do, and what came of it."""

    seed: int
    faults: dict[str, int]
    paragraphs: int = 500
    seconds: float = 0.12
    pace_s: float = 0.8
    batch_size: int = 1
    wrong: list[str] = field(default_factory=list)
    """What does not hold; empty is well."""
    dealt: Counter[str] = field(default_factory=Counter)
    kills: int = 0
    books: int = 0
    singles: int = 0
    lost: int = 0
    doubled: int = 0
    starts: int = 0
    took_s: float = 0.0
    figures: Figures = field(default_factory=lambda: Figures(0, 0, 0))
    last_words: str = ""

    @property
    def limit_s(self) -> float:
        """How long it may last."""
        return max(LIMIT_S, LIMIT_A_FAULT_S * sum(self.faults.values()))

    def table(self) -> str:
        """The figures, for people."""
        swallowed = [one.seconds for one in self.figures.recoveries if one.kind == SWALLOW and not one.redis_away]
        recovery = [one.seconds for one in self.figures.recoveries if not one.redis_away]
        with_redis = [one.seconds for one in self.figures.recoveries if one.redis_away]
        overlaps = [one.seconds for one in self.figures.overlaps]
        rows = {
            "seed": str(self.seed),
            "paragraphs": f"{self.books * self.paragraphs} in {self.books} books, {self.took_s:.0f} s",
            "single paragraphs": str(self.singles),
            "faults": ", ".join(f"{kind} {count}" for kind, count in sorted(self.dealt.items())),
            "kills": str(self.kills),
            "workers started": str(self.starts),
            "runs begun": f"{self.figures.begun}, of them interrupted {self.figures.interrupted}",
            "lost": str(self.lost),
            "doubled in effect": str(self.doubled),
            "computed again": str(self.figures.computed_again),
            "overlaps": f"{len(overlaps)}, the longest {max(overlaps, default=0):.3f} s",
            "recovery": _spread(recovery),
            "of it what was swallowed": _spread(swallowed),
            "recovery with Redis away": _spread(with_redis),
        }
        width = max(map(len, rows))
        return "\n".join(f"{name:<{width}}  {value}" for name, value in rows.items())


def _spread(values: Sequence[float]) -> str:
    p50, p99 = percentile(values, 0.5), percentile(values, 0.99)
    return f"p50 {p50:.2f} s, p99 {p99:.2f} s, max {max(values, default=0):.2f} s, of {len(values)}"


def run(storm: Storm, folder: Path, tell: Callable[[str], None] = lambda line: None) -> Storm:
    """Run it in `folder` and fill in what came of it; raises nothing for what does not hold, see `wrong`."""
    fleet = Fleet(folder, LEASE_S, storm.seconds, batch_size=storm.batch_size)
    began = time.monotonic()
    try:
        fleet.start()
        tell(f"the fleet is ready after {time.monotonic() - began:.1f} s")
        _rage(storm, fleet, tell)
    except (TimeoutError, SlotlineError) as exc:
        storm.wrong.append(f"{type(exc).__name__}: {exc}")
    finally:
        storm.took_s, storm.starts = time.monotonic() - began, fleet.starts
        storm.last_words = fleet.last_words()
        fleet.close()
    return storm


def _rage(storm: Storm, fleet: Fleet, tell: Callable[[str], None]) -> None:
    began = time.monotonic()

    def say(line: str) -> None:
        tell(f"{time.monotonic() - began:7.2f}  {line}")

    journal = Journal(fleet.journal)
    hand = Hand(fleet, journal, storm.faults, storm.seed, storm.pace_s, say)
    client = Client(fleet.redis.url, str(fleet.store))
    books: list[Book] = []
    alone: list[Single] = []
    unsent: list[Single] = []
    try:
        while not (hand.is_done and not unsent and _all_ended(client, books, alone)):
            if time.monotonic() - began > storm.limit_s:
                raise TimeoutError(f"not within {storm.limit_s:g} s: the end of the books")
            # Not when the last countdown has ended: the slots would be idle until then.
            if not hand.is_done and not unsent and _all_ended(client, books, []) and _submit(storm, client, books):
                unsent = singles.of_book(storm.seed, len(books))
                alone += unsent
                say(f"book {len(books)}")
            unsent = singles.send(fleet.redis.url, unsent) if unsent else []
            _tick(fleet, hand, journal, say)
        _rest(fleet, hand, journal, say)
    finally:
        hand.undo()
        journal.read()
        storm.books, storm.singles, storm.dealt, storm.kills = len(books), len(alone), hand.dealt, hand.kills
        storm.figures = figures(journal.runs, hand.strikes, hand.redis_away)
    findings = [checks.of_book(client, book) for book in books]
    storm.lost = sum(len(one.lost) for one in findings)
    storm.doubled = sum(len(one.doubled) for one in findings)
    storm.wrong += [line for one in findings for line in one.wrong]
    storm.wrong += [line for single in alone if (line := singles.fault(client, single))]
    storm.wrong += checks.of_redis(fleet.redis.url)
    if left := fleet.left():
        storm.wrong.append(f"processes of dead workers still live: {left}")
    for name, status in fleet.stop().items():
        if status != 0:
            storm.wrong.append(f"{name} ended with {status} when it was asked to end")


def _submit(storm: Storm, client: Client, books: list[Book]) -> bool:
    number = len(books) + 1
    chapters = library.book(storm.seed, number, storm.paragraphs)
    with contextlib.suppress(SlotlineError):  # Redis is away: at the next look
        job = client.submit_book(
            [{"title": one.title, "text": one.text} for one in chapters],
            model=MODEL, speed=library.SPEED, pause_s=library.PAUSE_S, max_chars=2000, parallel_chapters=6,
            job_id=singles.odd_id(number),
        )  # fmt: skip
        books.append(Book(number, chapters, job))
        return True
    return False


def _all_ended(client: Client, books: list[Book], alone: list[Single]) -> bool:
    final = ("SUCCESS", "FAILURE", "REVOKED")
    try:
        books_have = all(book.job.status() in final for book in books)
        return books_have and all(singles.status(client, single) in final for single in alone)
    except SlotlineError:  # Redis is away
        return False


def _tick(fleet: Fleet, hand: Hand, journal: Journal, say: Callable[[str], None]) -> None:
    """One look at everything: the hand, the supervisor, who died with a part in its hands."""
    hand.step(time.monotonic())
    for name in fleet.supervise():
        say(f"{name} is started again")
    journal.read()
    for pid in {run.pid for run in journal.open_runs}:
        if not is_alive(pid):
            journal.died(pid, time.monotonic())
    time.sleep(TICK_S)


def _rest(fleet: Fleet, hand: Hand, journal: Journal, say: Callable[[str], None]) -> None:
    """Wait until nothing is under way any more, or the limit, after which the checks tell what is left."""
    deadline = time.monotonic() + REST_LIMIT_S
    while time.monotonic() < deadline:
        _tick(fleet, hand, journal, say)
        with contextlib.suppress(redis.RedisError):
            if not checks.under_way(fleet.redis.url) and not fleet.left():
                return


def main() -> None:
    """Run one and print its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--paragraphs", type=int, default=500, help="of one book; books follow until all is dealt")
    parser.add_argument("--short", action="store_true", help="as in make test")
    parser.add_argument("--pace", type=float, default=0.8, help="seconds between two faults, on average")
    parser.add_argument("--batch", type=int, default=1, help="paragraphs that a slot runs at once")
    parser.add_argument("--quiet", action="store_true", help="only the table")
    parser.add_argument("--keep", type=Path, help="a folder for logs and data, which stays")
    given = parser.parse_args()
    seed = random.SystemRandom().randrange(10**6) if given.seed is None else given.seed
    print(f"seed {seed}: the same faults again with SEED={seed}", flush=True)
    faults = SHORT if given.short else many(given.kills)
    storm = Storm(seed, faults, given.paragraphs, pace_s=given.pace, batch_size=given.batch)
    with contextlib.ExitStack() as stack:
        folder = given.keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="slotline-storm-")))
        run(storm, folder, (lambda line: None) if given.quiet else (lambda line: print(line, flush=True)))
    print(f"\n{storm.table()}")
    if storm.wrong:
        print(storm.last_words, file=sys.stderr)
        print("\nDOES NOT HOLD:\n  " + "\n  ".join(storm.wrong))
        raise SystemExit(1)
    print("\nall holds")


if __name__ == "__main__":
    main()
