"""The pending requests of a slot, in order, and which of them form the next batch. Pure: the time is passed in.

A request that is marked `runs_alone` shares no batch: an earlier attempt of it did not end well, so it may have killed
its process. Sends nothing to the child; `workers/parent/dispatcher.py` does.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from workers.parent.slot_request import SlotRequest


@dataclass
class BatchSizes:
    """Counts of the batches that have ended, and their sizes, as far as the parent knows them."""

    largest: int = 0
    last: int = 0
    batches: int = 0
    members: int = 0
    """The number of requests in all batches."""

    @property
    def mean(self) -> float:
        """Requests per batch; 0 before the first batch."""
        return self.members / self.batches if self.batches else 0.0

    def count(self, ran: int, largest: int) -> None:
        """Count what was run of one hand-over: in batches of `largest`, and what was left over in a smaller one."""
        for first in range(0, ran, largest):
            size = min(largest, ran - first)
            self.largest, self.last = max(self.largest, size), size
            self.batches += 1
            self.members += size


class Pending:
    """The pending requests. `size` is the largest batch, `delay_s` how long the first request waits for others."""

    def __init__(self, size: int, delay_s: float = 0.0) -> None:
        self._size = size
        self._delay_s = delay_s
        self._requests: deque[SlotRequest] = deque()

    def __len__(self) -> int:
        return len(self._requests)

    def __iter__(self) -> Iterator[SlotRequest]:
        return iter(self._requests)

    def join(self, request: SlotRequest, now: float) -> None:
        """Add a request at the end; `now` is a time of the monotonic clock."""
        request.joined_at = now
        self._requests.append(request)

    def put_back(self, requests: Iterable[SlotRequest]) -> None:
        """Add requests at the front, in their order."""
        self._requests.extendleft(reversed(list(requests)))

    def leave(self, request: SlotRequest) -> bool:
        """Remove a request; False if it is not pending."""
        if request not in self._requests:
            return False
        self._requests.remove(request)
        return True

    def pop_last(self) -> SlotRequest:
        """Remove and return the last request."""
        return self._requests.pop()

    def wait_s(self, now: float) -> float:
        """How many seconds the next batch still waits for more requests; 0 if it is full or has waited long enough."""
        if not self._requests or self._delay_s <= 0 or self._requests[0].runs_alone:
            return 0.0
        if len(self._requests) >= self._size:
            return 0.0
        return max(0.0, min(request.joined_at for request in self._requests) + self._delay_s - now)

    @property
    def runs_alone(self) -> bool:
        """Whether the first request shares no batch."""
        return bool(self._requests) and self._requests[0].runs_alone

    @property
    def is_full(self) -> bool:
        """Whether what waits fills a batch of the model, or cannot be more than one request."""
        return len(self._requests) >= self._size or self.runs_alone

    def next_batch(self, at_most: int) -> list[SlotRequest]:
        """Remove and return what is handed over next: one request that runs alone, or up to `at_most`, in order.

        Revoked requests are removed too, but are in no batch.
        """
        chosen: list[SlotRequest] = []
        while self._requests and len(chosen) < at_most:
            if chosen and (self._requests[0].runs_alone or chosen[0].runs_alone):
                break
            request = self._requests.popleft()
            if not request.revoked():
                chosen.append(request)
        return chosen
