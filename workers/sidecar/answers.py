"""The thread that hears the parent: batches, cancelled calls, recalls, questions. It asks neither Redis nor the store.

Guarantee: when the parent has died, the sidecar ends at once, because nobody would get its answers.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, assert_never

from tasks.exit_codes import FAILED
from workers.sidecar.shared.done import NotBegunCalls, RecallDone
from workers.sidecar.shared.held import HeldBatch
from workers.wire.batches import AdapterStats, AskStats, CancelCalls, Recall, RunBatch, ToSidecar
from workers.wire.socket_end import LinkClosed

if TYPE_CHECKING:
    from workers.sidecar.process import SidecarState

logger = logging.getLogger(__name__)


def run(sidecar: SidecarState) -> None:
    """Hear the parent until it has died; then, and after any other error, end the process."""
    try:
        while True:
            hear(sidecar, sidecar.parent.receive())
    except LinkClosed:
        pass
    except BaseException:  # the boundary of the thread; a SystemExit would end it without a word
        logger.exception("the sidecar does not understand its parent any more")
    os._exit(FAILED)


def hear(sidecar: SidecarState, message: ToSidecar) -> None:
    """One message of the parent's."""
    match message:
        case RunBatch(number, calls, is_alone):
            batch = sidecar.batches[number] = HeldBatch(number, calls, is_alone)
            sidecar.incoming.put(batch)
        case CancelCalls(number, indices, over_limit):
            if (held := sidecar.batches.get(number)) is not None:
                held.cancel(indices, over_limit)
        case Recall(number):
            unread, is_busy = sidecar.incoming.recall(number)
            sidecar.recall()
            sidecar.done.put(*(NotBegunCalls(one, range(len(one.calls))) for one in unread))
            if not is_busy:
                sidecar.done.put(RecallDone(number))
        case AskStats(number):
            sidecar.parent.send(AdapterStats(number, sidecar.known.stats()))
        case _:
            assert_never(message)
