"""What waits for the slot's model, in order, and which of it goes together next. Pure: the time is passed in.

A request that is marked `runs_alone` shares no batch: it was in one that killed its process, or was begun by a
process that died. Hands nothing over; `workers/parent/dispatcher.py` does.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from workers.parent.slot_request import SlotRequest


@dataclass
class BatchSizes:
    """How large the batches were that the child ran to their end, and how many."""

    largest: int = 0
    last: int = 0
    batches: int = 0
    members: int = 0
    """Requests of all batches together."""

    @property
    def mean(self) -> float:
        """Requests a batch; 0 before the first."""
        return self.members / self.batches if self.batches else 0.0

    def count(self, size: int) -> None:
        """One more batch."""
        self.largest, self.last = max(self.largest, size), size
        self.batches += 1
        self.members += size


class Pending:
    """The requests that wait. `size` is the largest batch, `delay_s` how long the first waits until others come."""

    def __init__(self, size: int, delay_s: float = 0.0) -> None:
        self._size = size
        self._delay_s = delay_s
        self._requests: deque[SlotRequest] = deque()

    def __len__(self) -> int:
        return len(self._requests)

    def __iter__(self) -> Iterator[SlotRequest]:
        return iter(self._requests)

    def join(self, request: SlotRequest, now: float) -> None:
        """At the end; `now` by the monotonic clock."""
        request.joined_at = now
        self._requests.append(request)

    def put_back(self, requests: Iterable[SlotRequest]) -> None:
        """At the front, in their order."""
        self._requests.extendleft(reversed(list(requests)))

    def leave(self, request: SlotRequest) -> bool:
        """Take one out; False when it does not wait here."""
        if request not in self._requests:
            return False
        self._requests.remove(request)
        return True

    def pop_last(self) -> SlotRequest:
        """Take out the one that came last."""
        return self._requests.pop()

    def wait_s(self, now: float) -> float:
        """For how long the next batch still waits for more: until it is full, or its first has waited enough."""
        if not self._requests or self._delay_s <= 0 or self._requests[0].runs_alone:
            return 0.0
        if len(self._requests) >= self._size:
            return 0.0
        return max(0.0, min(request.joined_at for request in self._requests) + self._delay_s - now)

    def next_batch(self) -> list[SlotRequest]:
        """Take out what goes together: one that runs alone by itself, else as many as may, in order.

        Requests that were revoked meanwhile are taken out as well, and are in no batch.
        """
        chosen: list[SlotRequest] = []
        while self._requests and len(chosen) < self._size:
            if chosen and (self._requests[0].runs_alone or chosen[0].runs_alone):
                break
            request = self._requests.popleft()
            if not request.revoked():
                chosen.append(request)
        return chosen
