"""How `celery -A workers worker` becomes a slot worker or a flow worker, or is refused.

Runs on two of Celery's signals: `celeryd_init` checks everything, claims the slot and
names the worker, before anything is built; `worker_init` sets what Celery's command line
would otherwise override (pool, prefetch, queue, log level). Loads no model. Guarantee: a
worker that cannot serve says why in one line and exits, 2 for wrong usage, else 1.
"""

from __future__ import annotations

import atexit
import logging
import os
import signal
import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import FrameType
from typing import Any, NoReturn

import click
from celery import Celery, signals
from celery.concurrency.prefork import TaskPool
from celery.exceptions import CPendingDeprecationWarning
from celery.utils.log import LOG_LEVELS
from celery.utils.nodenames import nodesplit
from kombu.utils.url import maybe_sanitize_url
from redis import Redis, RedisError

from tasks.app import app
from tasks.catalog import ModelEntry, catalog
from tasks.errors import BrokerUnavailable, CatalogError, InvalidInput, SettingsError, SlotlineError
from tasks.exit_codes import BAD_INPUT, FAILED
from tasks.routing import queue_of
from tasks.settings import Settings, settings
from tasks.store.artifacts import store
from workers import transport
from workers.child.main import begin, run_batch, run_operation
from workers.durability import complaints
from workers.duties import cancel as control
from workers.duties import remote_control as model_control
from workers.duties.cancel import Cancel
from workers.duties.drain import Drain
from workers.duties.event_buffer import HeldEvents
from workers.duties.heartbeat import Heartbeat
from workers.duties.idle_unload import IdleUnload
from workers.duties.readiness import Readiness
from workers.duties.set_aside import Refusals
from workers.duties.sweep import Sweeper
from workers.options import Kind, kind_of
from workers.parent.pool import SlotPool
from workers.slots import gpu
from workers.slots.claim import Keeper, claim_cpu, claim_flow
from workers.upstream.celery import buffer_results, reconnect_for_ever, stop_worker, unshared_client
from workers.upstream.redis import answer_within, wait_for_redis
from workers.wire.child_entry import ChildEntry
from workers.wire.spec import SlotSpec

logger = logging.getLogger(__name__)

OLDEST_REDIS = (6, 2)
BROKER_ANSWERS_WITHIN_S = 5.0
TURN_PATIENCE_S = 86400.0
"""A child on a GPU may wait for others to load there first, which is no part of its own budget."""

LOAD_GRACE_S = 30.0
"""Celery's own patience with a loading child is the model's budget and this much: slotline's watch is first."""


@dataclass(frozen=True)
class Setup:
    """What a worker was set up as; `spec` is a slot worker's. Celery's worker carries it as `slot`."""

    keeper: Keeper
    spec: SlotSpec | None
    complaints: Sequence[str] = ()


def application() -> Celery:
    """The Celery application, with `--model`, the readiness gate, and a part in the start of each worker of it."""
    buffer_results(app)
    app.user_options["worker"].add(
        click.Option(["--model"], metavar="NAME", help="Slot worker: claim a free slot for this model.")
    )
    app.user_options["worker"].add(
        click.Option(["--lazy"], is_flag=True, help="Slot worker: let the first job load the model (SLOTLINE_LAZY).")
    )
    app.steps["worker"].add(Drain)
    app.steps["consumer"].add(HeldEvents)
    app.steps["consumer"].add(Readiness)
    app.steps["consumer"].add(Sweeper)
    app.steps["consumer"].add(Cancel)
    app.steps["consumer"].add(Heartbeat)
    app.steps["consumer"].add(Refusals)
    app.steps["consumer"].add(IdleUnload)
    control.install()
    model_control.install()
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
        instance.slot = _set_up(instance, options)
    except (SettingsError, CatalogError, InvalidInput) as exc:
        _refuse(exc, BAD_INPUT)
    except SlotlineError as exc:
        _refuse(exc, FAILED)
    except Exception as exc:  # Celery would swallow it and serve the queue `celery`
        logger.debug("start-up failed", exc_info=True)
        _refuse(SlotlineError(f"{type(exc).__name__}: {exc}"), FAILED)


def on_configured(sender: Any, **_: Any) -> None:
    """Set what follows from the worker's kind, over Celery's defaults and before anything is built."""
    setup: Setup = sender.slot
    sender.quiet = True
    if not _was_given("loglevel"):
        sender.loglevel = LOG_LEVELS[settings().log_level.upper()]
    # A second of waiting at each start, and reply keys without an end in Redis, for what the ledger tells better.
    sender.options.update(without_mingle=True, without_gossip=True)
    if setup.spec is None:
        if not _was_given("prefetch_multiplier"):
            sender.prefetch_multiplier = 1
        return
    spec = setup.spec
    sender.pool_cls = SlotPool.for_slot(spec, ChildEntry(begin, run_batch, run_operation))
    sender.concurrency = 1
    sender.prefetch_multiplier = _parts(spec.batch_size)
    grace_s = TURN_PATIENCE_S if spec.gpu else LOAD_GRACE_S
    sender.app.conf.worker_proc_alive_timeout = spec.entry.load_limit_s + grace_s
    sender.app.conf.worker_disable_prefetch = False
    sender.app.amqp.queues.select([queue_of(spec.entry.name)])
    # Celery would say that it is ready when it is connected, which is before the model is loaded.
    what = "standing by for" if spec.is_lazy else "loading"
    sender.ready_callback = lambda consumer: logger.info("%s: connected, %s %s", spec.worker, what, spec.entry.name)


def on_logging(instance: Any, **_: Any) -> None:
    """Say what could cost jobs, now that there is a log to say it in."""
    # A page about a setting that is set, at every lost connection. Celery's own filter stands by now.
    warnings.filterwarnings("ignore", category=CPendingDeprecationWarning)
    for complaint in instance.slot.complaints:
        logger.warning("%s", complaint)


def on_child(**_: Any) -> None:
    """Inside each child: it waits for a Redis that is away, and its parent alone decides when it ends."""
    wait_for_redis(app)
    # systemd sends SIGTERM to every process of a service; what runs is to end in peace (`workers/duties/drain.py`).
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def on_ready(sender: Any, **_: Any) -> None:
    """A flow worker consumes: say so by its claim. A slot worker says it itself, when its model is loaded."""
    setup: Setup | None = getattr(sender.controller, "slot", None)
    if setup and setup.spec is None:
        setup.keeper.set_ready(True)


def on_shutdown(sender: Any, **_: Any) -> None:
    """The worker has stopped: free its slot at once."""
    if setup := getattr(sender, "slot", None):
        setup.keeper.stop()


def _set_up(instance: Any, options: Mapping[str, Any]) -> Setup:
    kind = kind_of(options, is_prefork=options.get("pool") in (None, TaskPool))
    chosen = settings()
    if chosen.log_level.upper() not in LOG_LEVELS:
        raise SettingsError(f"LOG_LEVEL={chosen.log_level!r}: it may be DEBUG, INFO, WARNING or ERROR")
    entry = _entry(kind, chosen)
    client = _own_client(instance.app, min(BROKER_ANSWERS_WITHIN_S, chosen.lease_s / 2))
    _check_broker(client, chosen)
    store().check()
    transport.install(instance.app)
    reconnect_for_ever(instance.app)
    # Celery installs its handlers later; without one, a SIGTERM in between would keep the slot for a lease.
    signal.signal(signal.SIGTERM, _leave)
    node = nodesplit(instance.hostname)[1]
    if entry is None:
        setup = _flow_worker(instance, client, chosen, node)
    else:
        setup = _slot_worker(instance, client, chosen, node, entry, kind.is_lazy or chosen.lazy)
    return replace(setup, complaints=complaints(client))


def _flow_worker(instance: Any, client: Redis, chosen: Settings, node: str) -> Setup:
    keeper = Keeper(claim_flow(client, node, chosen.lease_s), client, chosen.lease_s, _lost)
    instance.hostname = keeper.claim.worker
    _keep(keeper)
    return Setup(keeper, None)


def _slot_worker(instance: Any, client: Redis, chosen: Settings, node: str, entry: ModelEntry, is_lazy: bool) -> Setup:
    batch_size = min(entry.batch_size, chosen.batch_size or entry.batch_size)
    parts = _parts(batch_size)
    slot: gpu.GpuSlot | None = None
    if gpu.device_of(entry, chosen) == "cuda":
        claim, slot = gpu.claim(client, entry, node, chosen, parts, gpu.seen().gpus, _say)
    else:
        claim = claim_cpu(client, entry.name, node, chosen.cpu_slots, chosen.lease_s, parts)
    keeper = Keeper(claim, client, chosen.lease_s, _lost)
    instance.hostname = claim.worker
    _keep(keeper)
    # The child inherits it: a library that looks for a GPU later finds its own, or none.
    os.environ["CUDA_VISIBLE_DEVICES"] = slot.uuid if slot else ""
    device = gpu.CUDA if slot else "cpu"
    if slot and is_lazy:
        slot.end_turn()  # others may load meanwhile; the memory stays promised
    return Setup(keeper, SlotSpec(entry, device, claim.worker, batch_size, chosen.load_attempts, slot, is_lazy))


def _parts(batch_size: int) -> int:
    """How many messages a slot holds: one batch that runs and one in hand."""
    return 2 * batch_size


def _entry(kind: Kind, chosen: Settings) -> ModelEntry | None:
    """The slot's model, its table and options checked; None for a flow worker."""
    if kind.model is None:
        return None
    entry = catalog()[kind.model]
    gpu.device_of(entry, chosen)
    return entry


def _own_client(app: Celery, patience_s: float) -> Redis:
    """A client of the broker's database that shares no connection and no lock with anything that is forked."""
    client = unshared_client(app)
    answer_within(client, patience_s)
    return client


def _check_broker(client: Redis, chosen: Settings) -> None:
    """Raise `BrokerUnavailable` unless a Redis that is new enough answers."""
    url = maybe_sanitize_url(chosen.broker_url)
    try:
        version = str(client.info("server")["redis_version"])
    except (RedisError, OSError) as exc:
        raise BrokerUnavailable(
            f"no Redis answers at {url} ({_words(exc)}); start one with `slotline up`, or set CELERY_BROKER_URL"
        ) from exc
    if tuple(int(number) for number in version.split(".")[:2]) < OLDEST_REDIS:
        raise BrokerUnavailable(f"Redis {version} at {url} is too old; slotline needs 6.2 or newer")


def _words(exc: BaseException) -> str:
    return " ".join(str(exc).split()).rstrip(".") or type(exc).__name__


def _keep(keeper: Keeper) -> None:
    keeper.start()
    # For the ends that Celery's shutdown signal does not see: refusals, cold shutdowns, errors.
    atexit.register(keeper.stop)


def _lost(reason: str) -> None:
    logger.critical("%s; the worker ends", reason)
    stop_worker(FAILED)


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)


def _was_given(option: str) -> bool:
    """Whether the option stands on the command line; its value alone does not tell it from a default."""
    context = click.get_current_context(silent=True)
    source = context.get_parameter_source(option) if context else None
    return source is click.core.ParameterSource.COMMANDLINE


def _refuse(error: SlotlineError, status: int) -> NoReturn:
    _say(_words(error))
    raise SystemExit(status)


def _say(line: str) -> None:
    # Before Celery has set up its log.
    print(f"slotline: {line}", file=sys.stderr, flush=True)
