"""When pieces of work end that share the slots of one model by turns, as `docs/order.md` says. Pure.

It counts in shares, not message by message: while nothing begins or ends, each piece has a constant share of the slots.
So it takes one step a piece, and of very many pieces those that end at about the same time are one step.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

AT_ONCE = 100
"""Of more pieces than this, a hundredth of them end in one step: the others get their places one step later."""

_LEAST = 1e-9


@dataclass(frozen=True)
class Work:
    """What is left of a job whose parts run in slots.

    `seconds` are those of one slot for all its `parts`; not more than `width` of them run at once. It ends `after_s`
    seconds after its last part. Work of one `turn` shares one place among those that take turns, in the order of
    `place`: the chapters of a book. Without a `turn` it has one of its own.
    """

    name: str
    priority: int
    parts: float
    seconds: float
    width: float = float("inf")
    after_s: float = 0.0
    turn: str = ""
    place: int = 0
    is_begun: bool = False
    """Whether it has been taking turns: then half of the way to its next turn is behind it, on the average."""
    sent: float = 0.0
    """How many of its parts are sent: they come before all that is not, whosever it is."""
    rank: int = 0
    """Whose sent parts come first: the smallest; those of one rank lie in the queue by turns."""

    @property
    def part_s(self) -> float:
        """The mean seconds of a part."""
        return self.seconds / self.parts if self.parts > 0 else 0.0

    @property
    def unsent_s(self) -> float:
        """The seconds of its parts that are not sent yet."""
        return max(0.0, self.seconds - self.sent * self.part_s)


@dataclass(frozen=True)
class Sequel:
    """Work in order, of which `width` jobs are open at once: `opened` now, then `waiting`. Ends after the last one."""

    name: str
    opened: Sequence[str]
    waiting: Sequence[Work]
    width: int
    after_s: float = 0.0


def ends(slots: int, work: Sequence[Work], sequels: Sequence[Sequel], fair_share: float) -> dict[str, float]:
    """The seconds until each piece of work, and each sequel, ends. `slots` is at least 1."""
    return _Simulation(slots, sequels, fair_share).run(work)


def filled(total: float, wanted: Sequence[tuple[float, float]]) -> list[float]:
    """Divide `total` by weights, of which nobody gets more than his limit: what is left goes to the others.

    `wanted` has a weight above 0 and a limit for each.
    """
    found = [0.0] * len(wanted)
    open_, left = list(range(len(wanted))), total
    while open_ and left > _LEAST:
        weight = sum(wanted[index][0] for index in open_)
        full = [index for index in open_ if left * wanted[index][0] / weight >= wanted[index][1]]
        if not full:
            for index in open_:
                found[index] = left * wanted[index][0] / weight
            break
        for index in full:
            found[index] = wanted[index][1]
        left -= sum(wanted[index][1] for index in full)
        open_ = [index for index in open_ if index not in set(full)]
    return found


@dataclass(frozen=True)
class _Turn:
    """One place among those that take turns: the mean seconds of its parts, and its pieces with their limits."""

    priority: int
    rank: float
    part_s: float
    pieces: Sequence[tuple[str, float]]

    def divided(self, slots: float) -> dict[str, float]:
        """So many slots for the first piece, as far as it can use them, then for the next."""
        found = {}
        for name, limit in self.pieces:
            found[name] = min(limit, slots)
            slots -= found[name]
        return found


def _most(turn: _Turn) -> float:
    return sum(limit for _, limit in turn.pieces)


@dataclass
class _Simulation:
    slots: int
    sequels: Sequence[Sequel]
    fair_share: float
    now_s: float = 0.0
    ended: dict[str, float] = field(default_factory=dict)
    _running: dict[str, tuple[Work, float]] = field(default_factory=dict)
    _finishing: list[tuple[float, str]] = field(default_factory=list)
    _sequel_of: dict[str, Sequel] = field(default_factory=dict)
    _next: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _open: dict[str, set[str]] = field(default_factory=dict)
    _sooner: dict[str, float] = field(default_factory=dict)

    def run(self, work: Sequence[Work]) -> dict[str, float]:
        for one in work:
            self._begin(one)
        for sequel in self.sequels:
            self._open[sequel.name] = set()
            for name in sequel.opened:
                self._sequel_of[name] = sequel
                self._open[sequel.name].add(name)
            self._go_on(sequel)
        while self._running or self._finishing:
            self._step()
        return self.ended

    def _begin(self, work: Work) -> None:
        if work.seconds > _LEAST:
            self._running[work.name] = work, work.seconds
        else:
            heapq.heappush(self._finishing, (self.now_s + work.after_s, work.name))

    def _go_on(self, sequel: Sequel) -> None:
        """Open what comes next; with nothing left, the sequel ends."""
        opened = self._open[sequel.name]
        while len(opened) < sequel.width and self._next[sequel.name] < len(sequel.waiting):
            work = sequel.waiting[self._next[sequel.name]]
            self._next[sequel.name] += 1
            self._sequel_of[work.name] = sequel
            opened.add(work.name)
            self._begin(work)
        if not opened:
            heapq.heappush(self._finishing, (self.now_s + sequel.after_s, sequel.name))

    def _step(self) -> None:
        """Go to the next end, or to where the sent parts of a piece are done, and begin what follows."""
        rates = {name: max(rate, _LEAST) for name, rate in self._rates().items()}
        goals = {name: work.unsent_s if self._is_sent(name) else 0.0 for name, (work, _) in self._running.items()}
        in_s = {name: (left - goals[name]) / rates[name] for name, (_, left) in self._running.items()}
        soon = sorted(in_s.values())
        step_s = soon[(len(soon) - 1) // AT_ONCE] if soon else float("inf")
        if self._finishing:
            step_s = min(step_s, self._finishing[0][0] - self.now_s)
        for name, (work, left) in list(self._running.items()):
            if in_s[name] > step_s + _LEAST:
                self._running[name] = work, left - rates[name] * step_s
            elif goals[name] > _LEAST:
                self._running[name] = work, goals[name]
            else:
                del self._running[name]
                self._sooner[name] = work.part_s / rates[name] / 2 if work.is_begun else 0.0
                heapq.heappush(self._finishing, (self.now_s + in_s[name] + work.after_s, name))
        self.now_s += step_s
        while self._finishing and self._finishing[0][0] <= self.now_s + _LEAST:
            self._end(*heapq.heappop(self._finishing))

    def _is_sent(self, name: str) -> bool:
        """Whether the next part of a piece is sent."""
        work, left = self._running[name]
        return left > work.unsent_s + _LEAST

    def _end(self, at_s: float, name: str) -> None:
        self.ended[name] = max(0.0, at_s - self._sooner.get(name, 0.0))
        if sequel := self._sequel_of.get(name):
            self._open[sequel.name].discard(name)
            self._go_on(sequel)

    def _rates(self) -> dict[str, float]:
        """How many slots each piece has now."""
        lists: dict[int, list[_Turn]] = {}
        for turn in self._turns():
            lists.setdefault(turn.priority, []).append(turn)
        order = sorted(lists)
        shares = message_shares(len(order), self.fair_share)
        wanted = []
        for share, one in zip(shares, order, strict=True):
            mean_s = sum(turn.part_s for turn in lists[one]) / len(lists[one])
            wanted.append((max(share * mean_s, _LEAST), sum(map(_most, lists[one]))))
        found: dict[str, float] = {}
        for one, slots in zip(order, filled(self.slots, wanted), strict=True):
            for rank in sorted({turn.rank for turn in lists[one]}):
                turns = [turn for turn in lists[one] if turn.rank == rank]
                inside = filled(slots, [(max(turn.part_s, _LEAST), _most(turn)) for turn in turns])
                for turn, share in zip(turns, inside, strict=True):
                    found |= turn.divided(share)
                slots -= sum(inside)
        return found

    def _turns(self) -> Iterable[_Turn]:
        """Who takes turns in which list, and the pieces of each with how many slots they can use, in their order."""
        turns: dict[tuple[int, float, str], list[Work]] = defaultdict(list)
        for name, (work, _) in self._running.items():
            rank = float(work.rank) if self._is_sent(name) else float("inf")
            turns[work.priority, rank, work.turn or name].append(work)
        for (priority, rank, _), pieces in turns.items():
            pieces.sort(key=lambda work: work.place)
            limits = [(work.name, self._limit(work.name)) for work in pieces]
            yield _Turn(priority, rank, pieces[0].part_s, limits)

    def _limit(self, name: str) -> float:
        """How many slots a piece can use: no more than it has parts left, of those that are sent or of the others."""
        work, left = self._running[name]
        parts = (left - work.unsent_s if self._is_sent(name) else left) / work.part_s
        return min(work.width, max(1.0, parts), float(self.slots))


def message_shares(lists: int, fair_share: float) -> list[float]:
    """The part of the messages that each list gets while all have some, the most urgent first."""
    if not lists:
        return []
    lower = min(fair_share, 1 / lists)
    return [1 - lower * (lists - 1)] + [lower] * (lists - 1)
