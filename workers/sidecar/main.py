"""The sidecar of a slot's child: begins its threads, and puts results away until the child or the parent has died.

The child forks it (`workers/child/fork.py`) before it loads anything. Everything that is Python around the model runs
here, because it would take time from the model in the child's process. It never loads a model.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from typing import TYPE_CHECKING, NoReturn

from tasks.errors import StoreError
from tasks.exit_codes import FAILED
from tasks.flow.connections import write_buffer
from tasks.store import artifacts
from workers.sidecar import answers, away, crafts, ready, results
from workers.sidecar.process import SidecarState
from workers.sidecar.shared import partings
from workers.wire.socket_end import LinkClosed

if TYPE_CHECKING:
    from celery import Celery

    from workers.wire.frames import FrameLink
    from workers.wire.page import Page
    from workers.wire.spec import SlotSpec
    from workers.wire.work_line import SidecarEnd

logger = logging.getLogger(__name__)

SWITCH_S = 0.0005
"""How long a thread keeps the interpreter while others want it. Python's own 5 ms are half of a short batch's time:
so long the child would wait for its results to be read, and for its next run."""


def main(app: Celery, spec: SlotSpec, page: Page, parent: FrameLink, line: SidecarEnd) -> NoReturn:
    """Run in this process until it ends."""
    try:
        page.sidecar_began(os.getpid())
        sys.setswitchinterval(SWITCH_S)
        # Made by this thread: Celery's backend is a thread's own, and this one's waits where Redis does not answer.
        write_buffer(app)
        sidecar = SidecarState(app, spec, page, parent, line)
        threading.Thread(target=answers.run, args=(sidecar,), name="answers", daemon=True).start()
        warm_up()
        making_ready = threading.Thread(target=ready.run, args=(sidecar,), name="ready", daemon=True)
        making_ready.start()
        threading.Thread(target=results.run, args=(sidecar,), name="results", daemon=True).start()
        threading.Thread(target=partings.run, args=(sidecar.known.parting,), name="partings", daemon=True).start()
        away.run(sidecar, making_ready)
    except LinkClosed:  # the parent has died
        os._exit(FAILED)
    except BaseException:  # the boundary of the process
        logger.exception("the sidecar ends")
        os._exit(FAILED)


def warm_up() -> None:
    """Import and open what the first batch needs, so that it is as fast as the second. Touches no job."""
    for craft in crafts.by_task().values():
        craft.warm_up()
    try:
        artifacts.store().find(artifacts.name_of("warm-up", "bin", {}))
    except StoreError as exc:
        logger.warning("the store does not answer yet: %s", exc)
