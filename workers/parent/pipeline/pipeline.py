"""One child with its sidecar, as the parent sees them: the line to the sidecar, the page, and the batches in flight.

Each child that is forked has its own; it outlives the child, until the sidecar has said its last words. It sends, reads
and remembers; `dispatcher.py` decides what is sent, `losses.py` what follows a death. Guarantee: each call of a batch
is answered at most once here.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tasks.store.names import JSON
from workers.parent.pipeline.batch import Batch
from workers.parent.slot_request import SlotRequest
from workers.wire.batches import (
    AdapterStats,
    AskStats,
    CallsEnded,
    CancelCalls,
    FromSidecar,
    Recall,
    Recalled,
    RunBatch,
    ToSidecar,
)
from workers.wire.call import NotRun, TraceResult
from workers.wire.frames import FrameLink
from workers.wire.page import Page, Running, Stage
from workers.wire.socket_end import LinkClosed

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Returned:
    """A request that did not run, or was lost, and is given back in its order."""

    batch: int
    call: int
    request: SlotRequest
    why: NotRun


class Pipeline:
    """A child (`pid`) and its sidecar. On the event loop, but for the kills."""

    def __init__(self, pid: int, line: FrameLink, page: Page) -> None:
        self.pid = pid
        self.page = page
        self.batches: dict[int, Batch] = {}
        """What is in flight, by its number, in the order of hand-over."""
        self.returned: list[Returned] = []
        self.recalls = 0
        """How many times its sidecar was asked to give back what has not begun, and has not answered."""
        self.moved_at = 0.0
        """When something last happened to a batch, as far as the parent has seen it, by the monotonic clock."""
        self.is_closed = False
        """Whether the sidecar has said its last words, or has died."""
        self.ended_how: str | None = None
        """How the child ended, in words; None while it lives."""
        self.child_died_first = False
        """Whether the child had died when its sidecar's line was still open."""
        self.died_loading = False
        self.is_planned = False
        """This worker ends it, and what it computes is not at fault."""
        self.killed_for = ""
        """Why this worker killed one of the two; empty if it did not, or nobody need know."""
        self.is_stuck = False
        """Whether its sidecar was killed because it had stood still."""
        self._line = line
        self._numbers = 0
        self._asked = 0
        self._questions = 0
        self._unread: list[FromSidecar] = []

    @property
    def is_over(self) -> bool:
        """Whether both are dead, and everything was heard."""
        return self.is_closed and self.ended_how is not None

    @property
    def in_flight(self) -> int:
        """How many requests were handed over and have not ended."""
        return sum(len(batch.requests) - len(batch.answered) for batch in self.batches.values())

    @property
    def requests(self) -> Iterator[tuple[Batch, int, SlotRequest]]:
        """The requests in flight, each with its batch and its index there."""
        return ((batch, index, one) for batch in self.batches.values() for index, one in batch.left)

    def fileno(self) -> int:
        """The descriptor to wait on, -1 once closed."""
        return self._line.fileno()

    @property
    def is_at_work(self) -> bool:
        """Whether the child computes, or a stage of the sidecar works."""
        return self._is_computing or any(self.page.stage(one).since is not None for one in Stage)

    @property
    def is_waited_for(self) -> bool:
        """Whether an answer of the sidecar must come: it holds requests, or its child is dead, and it has to end."""
        return not self.is_closed and (bool(self.batches) or self.ended_how is not None)

    @property
    def computes(self) -> bool:
        """Whether the child computes, or has something handed over that it has not begun."""
        return self.page.running() is not None or any(number > self.page.last_batch for number in self.batches)

    def running(self) -> tuple[Running, list[SlotRequest]] | None:
        """The run that the child computes, and those of its requests that have not ended."""
        if (run := self.page.running()) is None or (batch := self.batches.get(run.batch)) is None:
            return None
        return run, batch.of(run.calls)

    def send(self, requests: Sequence[SlotRequest], now: float, *, is_alone: bool) -> bool:
        """Hand these requests over as one batch; False if the sidecar takes nothing more: then it is killed."""
        self._numbers += 1
        batch = Batch(self._numbers, requests, is_alone, now)
        if not self._say(RunBatch(batch.number, [request.call for request in requests], is_alone)):
            return False
        self.batches[batch.number], self.moved_at = batch, now
        return True

    def cancel(self, batch: Batch, calls: Iterable[int], over_limit: str = "") -> None:
        """Tell the sidecar that these calls are cancelled, or over their sender's limit."""
        self._say(CancelCalls(batch.number, tuple(calls), over_limit))

    def recall(self) -> None:
        """Ask for what has not begun."""
        if self.batches and not self.recalls:
            self._asked += 1
            self.recalls += self._say(Recall(self._asked))

    def read(self) -> list[FromSidecar]:
        """What the sidecar has sent; notices when its line is closed."""
        found, self._unread = self._unread, []
        if self.is_closed:
            return found
        try:
            found += self._line.pending()
        except LinkClosed:
            self.is_closed, self.recalls = True, 0
        return found

    def ask_stats(self, wait_s: float) -> Mapping[str | None, Mapping[str, JSON]] | None:
        """What the sidecar's adapters count, waiting for the answer; None if there is none in time.

        Whatever else arrives meanwhile is kept for `read`, which must be called next.
        """
        self._questions += 1
        deadline = time.monotonic() + wait_s
        if not self._say(AskStats(self._questions)):
            return None
        with contextlib.suppress(LinkClosed):  # `read` finds out, too
            while (left_s := deadline - time.monotonic()) > 0:
                came = self._line.pending(left_s)
                self._unread += [one for one in came if not isinstance(one, AdapterStats)]
                for one in came:
                    if isinstance(one, AdapterStats) and one.number == self._questions:
                        return one.found
        return None

    def answered(self, message: CallsEnded, now: float) -> list[tuple[int, SlotRequest, TraceResult | NotRun]]:
        """The requests that end with this message; the batch is forgotten with its last one."""
        batch = self.batches.get(message.number)
        if batch is None:
            logger.error("the sidecar answers batch %d, which is not in flight", message.number)
            return []
        self.moved_at = now
        found = []
        for call, result in message.results:
            if batch.of([call]):
                batch.answered.add(call)
                found.append((call, batch.requests[call], result))
        if not batch.left:
            del self.batches[batch.number]
        return found

    def recalled(self, message: Recalled) -> None:
        """The sidecar has given back what it could."""
        self.recalls = 0 if message.number == self._asked else self.recalls

    def kill_sidecar(self) -> None:
        """Kill the sidecar, unless it is known to have ended. From any thread."""
        pid = self.page.sidecar_pid
        if pid and not self.is_closed:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def close(self) -> None:
        """Close the line; nothing is heard any more."""
        self.is_closed = True
        self._line.close()

    @property
    def _is_computing(self) -> bool:
        """What a dead child computed stays on the page."""
        return self.ended_how is None and self.page.running() is not None

    def _say(self, message: ToSidecar) -> bool:
        if self.is_closed:
            return False
        try:
            self._line.send(message)
        except LinkClosed as exc:
            # Part of the message may have been sent, so the line is of no use any more.
            logger.error("the sidecar takes no messages, and is killed: %s", exc)
            self.kill_sidecar()
            return False
        return True
