"""The thread of a slot's child that listens to the parent: it notes what is cancelled, and answers for the status.

Guarantees: it answers also while a batch runs; when the parent is gone, the process ends, because nobody would
hear its results.
"""

from __future__ import annotations

import logging
import os
import threading
from typing import TYPE_CHECKING, assert_never

from workers.child.status import status
from workers.wire.link import LinkClosed
from workers.wire.messages import AskStatus, Cancel, Status

if TYPE_CHECKING:
    from workers.child.process import Child

logger = logging.getLogger(__name__)


def start(child: Child) -> None:
    """Listen in a thread of its own, as long as the process lives."""
    threading.Thread(target=listen, args=(child,), name="answers", daemon=True).start()


def listen(child: Child) -> None:
    """Listen until the parent is gone, and end the process then. Returns only where slotline itself failed."""
    try:
        for message in child.link.messages():
            match message:
                case Cancel(delivery_tags):
                    child.cancelled.update(delivery_tags)
                case AskStatus(number):
                    child.link.send(Status(number, status(child)))
                case _:
                    assert_never(message)
    except LinkClosed:
        pass
    except Exception:  # the thread's boundary
        logger.exception("the child no longer answers its parent")
        return
    os._exit(1)
