"""The thread of a slot's child that reads the parent's messages: marks calls as cancelled, wakes the main thread for an
operation, sends the status.

Guarantees: it also answers while a run is computed; when the parent has died, the child ends, because no process would
receive its results.
"""

from __future__ import annotations

import logging
import os
import threading
from typing import TYPE_CHECKING, assert_never

from tasks.exit_codes import FAILED
from workers.child.status import status
from workers.wire.messages import AskStatus, CancelRequests, RunOperation, Status
from workers.wire.socket_end import LinkClosed

if TYPE_CHECKING:
    from workers.child.process import ChildState

logger = logging.getLogger(__name__)


def start(child: ChildState) -> None:
    """Start the thread; it runs as long as the process lives."""
    threading.Thread(target=listen, args=(child,), name="answers", daemon=True).start()


def listen(child: ChildState) -> None:
    """Read messages until the parent has died, then end the process. Returns only after an error of slotline."""
    try:
        for message in child.link.messages():
            match message:
                case CancelRequests(batch, calls):
                    child.cancelled.add(batch, calls)
                case RunOperation():
                    child.operations.append(message)
                    child.line.wake()
                case AskStatus(number):
                    child.link.send(Status(number, status(child)))
                case _:
                    assert_never(message)
    except LinkClosed:
        pass
    except Exception:  # the boundary of the thread
        logger.exception("the child no longer answers its parent")
        return
    os._exit(FAILED)
