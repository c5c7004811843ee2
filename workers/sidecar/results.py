"""The thread that hears the child: results of runs, and what its models offer. It waits for nothing else.

Guarantees: when the child has died, what it computed is put away, and then every call that is left is answered; a
result that ends the process when it is read, or cannot be read, costs its run an attempt.
"""

from __future__ import annotations

import logging
import os
from time import monotonic
from typing import TYPE_CHECKING, assert_never

from tasks.exit_codes import FAILED
from workers.sidecar.shared.done import ChildGone, RunCame
from workers.wire.socket_end import LinkClosed
from workers.wire.work_line import FromChildToSidecar, ModelGone, ModelOffers, RunBroke, RunEnded

if TYPE_CHECKING:
    from workers.sidecar.process import SidecarState

logger = logging.getLogger(__name__)


def run(sidecar: SidecarState) -> None:
    """Hear the child until it has died; any other error ends the process."""
    try:
        while True:
            hear(sidecar, receive(sidecar))
    except LinkClosed:
        sidecar.known.close()  # first: whoever hears that the child has gone waits for the thread that may ask
        sidecar.storing.wait()
        sidecar.done.put(ChildGone())
    except BaseException:  # the boundary of the thread; a SystemExit would end it without a word
        logger.exception("the sidecar does not understand its child any more")
        os._exit(FAILED)


def receive(sidecar: SidecarState) -> FromChildToSidecar:
    """The child's next answer; raises `LinkClosed`. The page says whose results are read, which may end the process."""

    def arrived() -> None:
        if (held := sidecar.outbox.next_answered) is not None:
            sidecar.page.reads(held.batch.number, held.calls)

    found = sidecar.line.receive(arrived)
    sidecar.page.reads(0)
    return found


def hear(sidecar: SidecarState, answer: FromChildToSidecar) -> None:
    """One answer of the child's."""
    match answer:
        case RunEnded(number):
            if (held := sidecar.outbox.ended(number)) is not None:
                sidecar.storing.came(RunCame(held, answer, monotonic()))
        case ModelOffers(number=number):
            sidecar.known.told(answer)
            if answer.is_waited:
                sidecar.line.took()
            if number:
                sidecar.outbox.ended(number)
        case ModelGone(variant):
            sidecar.known.forget(variant)
        case RunBroke(_, why):
            sidecar.why_broken = why
        case _:
            assert_never(answer)
