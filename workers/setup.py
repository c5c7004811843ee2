"""Makes a starting worker a slot worker or a flow worker: checks everything, claims its slot, and names it.

The claim comes last: a worker that is refused holds no slot. Loads no model. Raises
`SlotlineError` of one line when the worker cannot serve.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import logging
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from celery import Celery
from celery.concurrency.prefork import TaskPool
from celery.utils.log import LOG_LEVELS
from celery.utils.nodenames import nodesplit
from redis import Redis, RedisError

from tasks.catalog import ModelEntry, catalog
from tasks.errors import SettingsError
from tasks.exit_codes import DONE, FAILED
from tasks.redis import broker, rights
from tasks.settings import Settings, settings
from tasks.shared_store.users import StoreUse, StoreUser
from tasks.store import identity
from tasks.store.artifacts import store
from workers import adapters, transport
from workers.child.models.folder import check_preload
from workers.durability import warnings_about
from workers.idle_timeout import idle_timeout
from workers.options import WorkerKind, check_settings, kind_of, node_of
from workers.parent.pipeline.hand_over import depth_of
from workers.slots import gpu
from workers.slots.claim import SlotClaim, claim_cpu, claim_flow, host_id
from workers.slots.claim_renewal import ClaimRenewal
from workers.slots.gpu_claim import claim_share
from workers.slots.gpu_slot import GpuSlot
from workers.upstream.celery import reconnect_for_ever, stop_worker, unshared_client
from workers.upstream.command_line import given_name, given_options, given_settings
from workers.upstream.redis import answer_within
from workers.wire.spec import SlotSpec

logger = logging.getLogger(__name__)

BROKER_ANSWERS_WITHIN_S = 5.0


@dataclass(frozen=True)
class Setup:
    """What a worker was set up as; Celery's worker carries it as its attribute `setup`.

    `spec` is a slot worker's, None in a flow worker; `warnings` say how Redis may lose jobs, one line each;
    `store_id` is the identity of its store.
    """

    renewal: ClaimRenewal
    spec: SlotSpec | None
    warnings: Sequence[str] = ()
    store_id: str = ""


def set_up(instance: Any, options: Mapping[str, Any]) -> Setup:
    """Make `instance`, Celery's worker that is not yet built, the worker that its command line asks for."""
    is_prefork = options.get("pool") in (None, TaskPool)
    kind = kind_of(options, is_prefork, given_options(), given_settings())
    if kind.model:
        check_settings(instance.app.conf)
    given = given_name()
    node = node_of(given, socket.gethostname() if given else nodesplit(instance.hostname)[1])
    chosen = settings()
    if chosen.log_level.upper() not in LOG_LEVELS:
        raise SettingsError(f"LOG_LEVEL={chosen.log_level!r}: it may be DEBUG, INFO, WARNING or ERROR")
    _check_modules(options.get("include") or [])
    _check_files(options)
    entry = _entry(kind, chosen)
    client = _checked_client(instance.app, chosen)
    store().check()
    use = _joined_store(client, f"{kind.model} worker" if kind.model else "flow worker", chosen.lease_s)
    transport.install(instance.app)
    reconnect_for_ever(instance.app)
    # Celery installs its handlers later; without one, a SIGTERM in between would keep the slot for a lease.
    signal.signal(signal.SIGTERM, _leave)
    if entry is None:
        setup = _flow_worker(instance, client, chosen, node, use)
    else:
        setup = _slot_worker(instance, client, chosen, node, use, entry, kind.is_lazy or chosen.lazy)
    return replace(setup, warnings=warnings_about(client), store_id=use.store_id)


def say(line: str) -> None:
    """Print a line for people, before Celery has set up its log."""
    print(f"slotline: {line}", file=sys.stderr, flush=True)


def _flow_worker(instance: Any, client: Redis, chosen: Settings, node: str, use: StoreUse) -> Setup:
    claim = claim_flow(client, node, chosen.lease_s)
    instance.hostname = claim.worker
    return Setup(_renewed(claim, client, chosen.lease_s, use), None)


def _slot_worker(
    instance: Any, client: Redis, chosen: Settings, node: str, use: StoreUse, entry: ModelEntry, is_lazy: bool
) -> Setup:
    batch_size = adapters.find(entry.adapter).inputs_at_once(
        min(entry.batch_size, chosen.batch_size or entry.batch_size)
    )
    parts = depth_of(chosen.pipeline) * batch_size  # until it is known how long a job takes
    slot: GpuSlot | None = None
    if gpu.device_of(entry, chosen) == "cuda":
        claim, slot = claim_share(client, entry, node, chosen, parts, gpu.seen().gpus, say)
    else:
        claim = claim_cpu(client, entry.name, node, chosen.cpu_slots, chosen.lease_s, parts)
    renewal = _renewed(claim, client, chosen.lease_s, use)
    instance.hostname = claim.worker
    # The child inherits it: a library that looks for a GPU later finds its own, or none.
    os.environ["CUDA_VISIBLE_DEVICES"] = slot.uuid if slot else ""
    device = gpu.CUDA if slot else "cpu"
    if slot and is_lazy:
        slot.end_turn()  # others may load now; the memory stays promised
    timeout = idle_timeout(entry, adapters.find(entry.adapter).idle_unload_s, chosen.unload_timeout_s)
    spec = SlotSpec(entry, device, claim.worker, batch_size, chosen.load_attempts, slot, is_lazy, timeout)
    return Setup(renewal, spec)


def _entry(kind: WorkerKind, chosen: Settings) -> ModelEntry | None:
    """The slot's model, its table and options checked; None for a flow worker."""
    if kind.model is None:
        return None
    entry = catalog()[kind.model]
    check_preload(entry, gpu.device_of(entry, chosen))
    return entry


def _check_modules(names: Sequence[str]) -> None:
    """Celery would end in a traceback, or without the module's tasks."""
    for name in names:
        try:
            importlib.import_module(name)
        except Exception as exc:  # the boundary to a foreign module
            raise SettingsError(f"-I {name}: cannot be imported: {type(exc).__name__}: {exc}") from exc


def _check_files(options: Mapping[str, Any]) -> None:
    """Refuse files that could not be written; Celery would end in a traceback, in the background unseen."""
    for option in ("logfile", "pidfile", "statedb"):
        path = Path(options.get(option) or os.devnull).absolute()
        if "%" not in str(path.parent) and not os.access(path.parent, os.W_OK | os.X_OK):
            why = "it may not be written" if path.parent.is_dir() else "there is no such folder"
            raise SettingsError(f"--{option} {path}: {path.parent}: {why}")


def _checked_client(app: Celery, chosen: Settings) -> Redis:
    """A client of the broker's database that shares no connection and no lock with a forked child.

    Raises `BrokerUnavailable` or `BrokerRefused` unless a Redis answers that is new enough, is no cluster, and
    gives its user all rights that a worker needs.
    """
    limit_s = min(BROKER_ANSWERS_WITHIN_S, chosen.lease_s / 2)
    client = unshared_client(app)
    answer_within(client, limit_s)
    with broker.speaking(chosen.broker_url, rights.WORKER):
        broker.check_server(client)
        rights.check(client, rights.WORKER, catalog())
    return client


def _joined_store(client: Redis, what: str, lease_s: float) -> StoreUse:
    """The recorded use of this worker's store; raises `OtherStore` if live workers use another one."""
    use = StoreUse(identity.made(store()), StoreUser(store().place, what, host_id()))
    use.join(client, lease_s)
    owner = os.getpid()

    def leave() -> None:
        if os.getpid() == owner:  # not in a forked child
            with contextlib.suppress(RedisError):
                use.leave(client)

    atexit.register(leave)
    return use


def _renewed(claim: SlotClaim, client: Redis, lease_s: float, use: StoreUse) -> ClaimRenewal:
    """The renewal of the claim and of the store's use, which runs from now on until the worker ends."""
    renewal = ClaimRenewal(claim, client, lease_s, _slot_lost, use)
    renewal.start()
    # For the ends that Celery's shutdown signal does not see: refusals, cold shutdowns, errors.
    atexit.register(renewal.stop)
    return renewal


def _slot_lost(reason: str) -> None:
    logger.critical("%s; the worker ends", reason)
    stop_worker(FAILED)


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(DONE)
