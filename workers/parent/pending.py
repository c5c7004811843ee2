"""What waits for the slot's model, in order, and which of it goes together next. Pure: the time is passed in.

A member that is marked `alone` shares no batch: it was in one that killed its process, or
was begun by a process that died. Hands nothing over; `workers/parent/pool.py` does.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from workers.parent.requests import Member


@dataclass
class BatchSizes:
    """How large the batches were that the child ran to their end, and how many."""

    largest: int = 0
    last: int = 0
    batches: int = 0
    members: int = 0

    @property
    def mean(self) -> float:
        """Members a batch; 0 before the first."""
        return self.members / self.batches if self.batches else 0.0

    def count(self, size: int) -> None:
        """One more batch."""
        self.largest, self.last = max(self.largest, size), size
        self.batches += 1
        self.members += size


class Line:
    """The members in line. `size` is the largest batch, `delay_s` how long the first of one waits for company."""

    def __init__(self, size: int, delay_s: float = 0.0) -> None:
        self._size = size
        self._delay_s = delay_s
        self._members: deque[Member] = deque()

    def __len__(self) -> int:
        return len(self._members)

    def __iter__(self) -> Iterator[Member]:
        return iter(self._members)

    def join(self, member: Member, now: float) -> None:
        """At the end; `now` by the monotonic clock."""
        member.joined = now
        self._members.append(member)

    def put_back(self, members: Iterable[Member]) -> None:
        """At the front, in their order."""
        self._members.extendleft(reversed(list(members)))

    def leave(self, member: Member) -> bool:
        """Take one out; False when it does not stand here."""
        if member not in self._members:
            return False
        self._members.remove(member)
        return True

    def pop_last(self) -> Member:
        """Take out who came last."""
        return self._members.pop()

    def wait_s(self, now: float) -> float:
        """For how long the next batch still waits for company: until it is full, or its first has waited enough."""
        if not self._members or self._delay_s <= 0 or self._members[0].alone:
            return 0.0
        if len(self._members) >= self._size:
            return 0.0
        return max(0.0, min(member.joined for member in self._members) + self._delay_s - now)

    def next_batch(self) -> list[Member]:
        """Take out what goes together: whoever is to be alone by itself, else as many as may, in order.

        Members that were revoked meanwhile leave the line, and go with nobody.
        """
        chosen: list[Member] = []
        while self._members and len(chosen) < self._size:
            if chosen and (self._members[0].alone or chosen[0].alone):
                break
            member = self._members.popleft()
            if not member.revoked():
                chosen.append(member)
        return chosen
