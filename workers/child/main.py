"""The functions of a slot's child that Celery's pool calls: begin, and then serve as long as the process lives.

Only this process imports an adapter's heavy packages, and it does nothing but load and compute: what else a batch
needs is done in the sidecar, which this process forks (`workers/sidecar/main.py`). `workers/parent/child_process.py`
forks this process and reads the messages that it sends. The parent decides when a child is started again, and when
its model is unloaded. Guarantees: it computes nothing before the model is warmed up; a model that cannot be loaded
ends the process; it ends when its parent or its sidecar has died.

Celery's pool calls these functions by name with pickled arguments, so the state that `begin` makes is kept in this
module.
"""

from __future__ import annotations

import functools
import io
import logging
import os
import sys
from time import monotonic, sleep
from typing import TYPE_CHECKING, assert_never

from tasks.exit_codes import FAILED
from workers.child import answers, offering, operations, serving
from workers.child.batch_limit import BatchLimit
from workers.child.fork import end_with, fork
from workers.child.models.for_slot import models_for
from workers.child.models.lifecycle import Lifecycle
from workers.child.models.registry import Registry
from workers.child.process import ChildState
from workers.upstream.celery import unshared_client
from workers.upstream.redis import answer_within
from workers.upstream.tracer import begin_child
from workers.wire.messages import StandsBy, StateEntered
from workers.wire.socket_end import LinkClosed
from workers.wire.state import State
from workers.wire.work_line import LoadVariant, Run, work_line

if TYPE_CHECKING:
    from celery import Celery
    from redis import Redis

    from workers.wire.child_entry import ChildEnds, SidecarMain
    from workers.wire.spec import SlotSpec
    from workers.wire.work_line import ModelEnd

logger = logging.getLogger(__name__)

NOT_SENT = frozenset({State.READY, State.BUSY, State.FAILED})
"""States without a `StateEntered` message: the parent knows what runs; `Loaded` and `FailedToLoad` have more detail."""

REDIS_ANSWERS_WITHIN_S = 1.0

SIDECAR_ENDS_WITHIN_S = 0.3
"""A process's sockets are closed a moment before its end can be collected."""

_child: ChildState | None = None


def print_at_once() -> None:
    """Let what an adapter or its model prints be in the log at once, also when the process is killed after it.

    Where the output is a file, Python keeps it in a buffer, and this process and its sidecar end without writing it.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)


def begin(
    sidecar: SidecarMain, ends: ChildEnds, spec: SlotSpec, refused: frozenset[str], app: Celery, hostname: str
) -> None:
    """The pool's initializer: become Celery's child, fork the sidecar, load the model; ends the process if that fails.

    A lazy slot's child loads nothing yet, and sends `StandsBy`.
    """
    global _child
    ends.parents_link.close()
    ends.parents_line.close()
    print_at_once()
    link = ends.link
    life = Lifecycle(lambda state: None if state in NOT_SENT else link.send(StateEntered(state)))
    try:
        begin_child(app, hostname)
        line = _with_sidecar(sidecar, ends, spec, app)
        models = models_for(spec, life, link, refused, line.answer, line.offer)
        limit = BatchLimit(_quick_client(app), spec.gpu.gpu_type if spec.gpu else "cpu")
        _child = child = ChildState(app, spec, link, line, ends.page, life, models, limit)
        answers.start(child)
        if isinstance(models, Registry):
            offering.keep_sending(link, models, spec.device)
        if spec.is_lazy:
            link.send(StandsBy())
            return
    except BaseException as exc:
        operations.give_up(link, life, exc)
    operations.load(child)


def serve() -> None:
    """Compute runs and run operations until the parent or the sidecar has died; never returns."""
    child = _this_child()
    try:
        while True:
            serve_next(child)
    except LinkClosed:
        sleep(SIDECAR_ENDS_WITHIN_S)  # the thread that waits for the sidecar ends this process in the same way
    except BaseException as exc:
        logger.critical("the child ends: %r", exc, exc_info=True)
    finally:
        os._exit(FAILED)


def serve_next(child: ChildState) -> None:
    """Wait for the next run or operation, and do it."""
    began = monotonic()
    given = child.line.next()
    child.page.waited(monotonic() - began)
    match given:
        case Run():
            serving.run(child, given)
        case LoadVariant():
            serving.load(child, given)
        case None:
            operations.run_waiting(child)
        case _:
            assert_never(given)


def _with_sidecar(sidecar: SidecarMain, ends: ChildEnds, spec: SlotSpec, app: Celery) -> ModelEnd:
    """Fork the sidecar, before this process loads anything and starts any thread; returns this process's end."""
    sidecars_end, childs_end = work_line()
    main = functools.partial(sidecar, app, spec, ends.page, ends.sidecars_line, sidecars_end)
    end_with(fork(main, {ends.sidecars_line.fileno(), *sidecars_end.filenos()}))
    sidecars_end.close()
    ends.sidecars_line.close()
    return childs_end


def _quick_client(app: Celery) -> Redis:
    """A client that does not wait long where Redis does not answer: the model is not to wait for it."""
    client = unshared_client(app)
    answer_within(client, REDIS_ANSWERS_WITHIN_S)
    return client


def _this_child() -> ChildState:
    if _child is None:
        raise RuntimeError("no model belongs to this process")
    return _child
