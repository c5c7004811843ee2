"""How `celery -A workers worker` becomes a slot worker or a flow worker, or is refused.

Takes part in Celery's own start by its signals: `celeryd_init` sets the worker up
(`workers/setup.py`) before anything is built, `worker_init` sets what Celery's command line
would otherwise override (pool, prefetch, queue, log level), and `worker_shutdown` frees the
slot. Guarantee: a worker that cannot serve says why in one line and exits, with 2 for
wrong usage, else 1.
"""

from __future__ import annotations

import functools
import logging
import os
import signal
import warnings
from collections.abc import Mapping
from typing import Any, NoReturn

import click
from celery import Celery, signals
from celery.exceptions import CPendingDeprecationWarning
from celery.utils.log import LOG_LEVELS
from celery.utils.nodenames import node_format

from tasks.app import app, refuse_worker
from tasks.errors import CatalogError, InvalidInput, SettingsError, SlotlineError
from tasks.exit_codes import BAD_INPUT, FAILED
from tasks.redis import broker, rights
from tasks.routing import queue_of
from tasks.settings import settings
from tasks.terminal.unknown_settings import unknown_settings
from workers import log_lines, transport
from workers.child.main import begin, serve
from workers.detach import detach, report_started
from workers.duties import (
    cancel,
    celery_commands,
    remote_control,  # noqa: F401  importing it registers its commands
)
from workers.duties.cancel import Cancel, RevokedInRedis
from workers.duties.drain import Drain
from workers.duties.event_buffer import EventBuffer
from workers.duties.heartbeat import Heartbeat
from workers.duties.idle_unload import IdleUnload
from workers.duties.pause import Pause
from workers.duties.readiness import Readiness
from workers.duties.recall import Recall
from workers.duties.retention import StoreRetention
from workers.duties.set_aside import MessageSetAside
from workers.duties.sweep import Sweeper
from workers.flow.pool import FlowPool
from workers.parent.pipeline.hand_over import prefetched
from workers.parent.pool import SlotPool
from workers.setup import Setup, say, set_up
from workers.sidecar.main import main as sidecar
from workers.upstream.celery import buffer_results
from workers.upstream.command_line import detach_by, given_value, keep_given_name, was_given
from workers.upstream.redis import wait_for_redis
from workers.wire.child_entry import ChildEntry

logger = logging.getLogger(__name__)

CONSUMER_DUTIES = (
    Cancel,
    EventBuffer,
    Heartbeat,
    IdleUnload,
    MessageSetAside,
    Pause,
    Readiness,
    Recall,
    RevokedInRedis,
    StoreRetention,
    Sweeper,
)
"""Celery orders them by what each requires; each decides whether this kind of worker has it."""

TURN_LIMIT_S = 86400.0
"""A child on a GPU may wait while others load there first; that is no part of its own time to load."""

LOAD_GRACE_S = 30.0
"""Celery waits for a loading child this much longer than the model's own limit, so that slotline ends it first."""


def application() -> Celery:
    """The Celery application, with slotline's own options, duties and result backend for every worker of it."""
    buffer_results(app)
    transport.install_plain()
    keep_given_name()
    detach_by(detach)
    app.user_options["worker"].add(
        click.Option(["--model"], metavar="NAME", help="Slot worker: claim a free slot for this model.")
    )
    app.user_options["worker"].add(
        click.Option(["--lazy"], is_flag=True, help="Slot worker: let the first job load the model (SLOTLINE_LAZY).")
    )
    app.steps["worker"].add(Drain)
    app.steps["consumer"].update(CONSUMER_DUTIES)
    cancel.install()
    celery_commands.install()
    log_lines.install()
    signals.celeryd_init.disconnect(refuse_worker)
    signals.celeryd_init.connect(on_init, weak=False)
    signals.worker_init.connect(on_configured, weak=False)
    signals.celeryd_after_setup.connect(on_logging, weak=False)
    signals.worker_process_init.connect(on_child, weak=False)
    signals.worker_ready.connect(on_ready, weak=False)
    signals.worker_shutdown.connect(on_shutdown, weak=False)
    return app


def on_init(instance: Any, options: Mapping[str, Any], **_: Any) -> None:
    """Check, claim, and name the worker; ends the process with one line when it cannot serve."""
    try:
        with broker.speaking(settings().broker_url, rights.WORKER):
            instance.setup = set_up(instance, options)
    except (SettingsError, CatalogError, InvalidInput) as exc:
        _refuse(exc, BAD_INPUT)
    except SlotlineError as exc:
        _refuse(exc, FAILED)
    except Exception as exc:  # Celery would swallow it and serve the queue `celery`
        logger.debug("start-up failed", exc_info=True)
        _refuse(SlotlineError(f"{type(exc).__name__}: {exc}"), FAILED)


def on_configured(sender: Any, **_: Any) -> None:
    """Set what follows from the worker's kind, over Celery's defaults and before anything is built."""
    setup: Setup = sender.setup
    sender.quiet = True
    if not was_given("loglevel"):
        sender.loglevel = LOG_LEVELS[settings().log_level.upper()]
    # They cost a second at each start and leave reply keys in Redis without an end; the ledger knows all they say.
    sender.options.update(without_mingle=True, without_gossip=True)
    # Celery has expanded them with a name that the worker did not have yet.
    sender.pidfile = node_format(given_value("pidfile") or sender.pidfile, sender.hostname)
    sender.statedb = node_format(given_value("statedb") or sender.statedb, sender.hostname)
    if setup.spec is None:
        sender.pool_cls = FlowPool
        if not was_given("prefetch_multiplier"):
            sender.prefetch_multiplier = 1
        return
    spec = setup.spec
    sender.pool_cls = SlotPool.for_slot(spec, ChildEntry(functools.partial(begin, sidecar), serve))
    sender.concurrency = 1
    sender.prefetch_multiplier = prefetched(spec.batch_size, settings().pipeline)
    grace_s = TURN_LIMIT_S if spec.gpu else LOAD_GRACE_S
    sender.app.conf.worker_proc_alive_timeout = spec.entry.load_limit_s + grace_s
    sender.app.conf.worker_disable_prefetch = False
    sender.app.amqp.queues.select([queue_of(spec.entry.name)])
    # Celery would say that it is ready when it is connected, which is before the model is loaded.
    what = "standing by for" if spec.is_lazy else "loading"
    sender.ready_callback = lambda consumer: logger.info("%s: connected, %s %s", spec.worker, what, spec.entry.name)


def on_logging(instance: Any, **_: Any) -> None:
    """The worker has its slot, its log and its pidfile: log how jobs could be lost, which needs the log."""
    report_started(node_format(instance.logfile, instance.hostname))
    # Celery warns at length, at every lost connection, of a setting that is set. Its own filter is set by now.
    warnings.filterwarnings("ignore", category=CPendingDeprecationWarning)
    for warning in (*unknown_settings(os.environ), *instance.setup.warnings):
        logger.warning("%s", warning)


def on_child(**_: Any) -> None:
    """In each child: it waits while Redis does not answer, and only its parent decides when it ends."""
    wait_for_redis(app)
    # systemd sends SIGTERM to every process of a service; the running batch may finish (`workers/duties/drain.py`).
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def on_ready(sender: Any, **_: Any) -> None:
    """Celery's signal: a flow worker that consumes is ready. A slot worker is, when its model is loaded."""
    setup: Setup | None = getattr(sender.controller, "setup", None)
    if setup and setup.spec is None:
        setup.renewal.set_ready(True)


def on_shutdown(sender: Any, **_: Any) -> None:
    """The worker has stopped: free its slot at once."""
    if setup := getattr(sender, "setup", None):
        setup.renewal.stop()


def _refuse(error: SlotlineError, status: int) -> NoReturn:
    say(" ".join(str(error).split()).rstrip(".") or type(error).__name__)
    raise SystemExit(status)
