"""How workers take messages: by lease, through a kombu transport of slotline's own.

`install` makes a Celery app's workers read through it; whatever the app sends still goes
over plain Redis, and producers need nothing of this package.

Where a message is at any time (each arrow one Lua script):

    queue list --reserve--> held, leased to one worker --ack--> gone
        ^                        |        |
        |----- give_back --------|        |--- lease ends --> queue list, at the front (reclaim)
        |     to the front       |
        |                        |--- unreadable --> set aside
        |
        '-- its eta is still to come (reserve) --> delayed --- it is due --> queue list, at the back
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.redis.broker import celery_settings
from tasks.settings import settings
from workers.transport.urls import reading_url
from workers.upstream.kombu import add_transports

if TYPE_CHECKING:
    from celery import Celery

__all__ = ["install", "install_plain", "reading_url"]

READING = {
    "slotline": "workers.transport.transport:LeasingTransport",
    "slotlines": "workers.transport.transport:LeasingTransport",
    "slotline-sentinel": "workers.transport.transport:LeasingSentinelTransport",
}
PLAIN = {
    "redis": "workers.transport.transport:PlainTransport",
    "rediss": "workers.transport.transport:PlainTransport",
    "sentinel": "workers.transport.transport:PlainSentinelTransport",
}


def install_plain() -> None:
    """Let this process send and listen over kombu's transports as slotline watches them; Flower too."""
    add_transports(PLAIN)


def install(app: Celery) -> None:
    """Make `app`'s workers read by lease, of `SLOTLINE_LEASE_S` seconds; opens no connection.

    To be called before the worker connects; harmless twice. Raises `SettingsError` for a
    broker that is no Redis, or whose keys have a prefix.
    """
    from celery import Task

    from tasks.errors import SettingsError
    from workers.transport.lease_step import LeaseStep

    install_plain()
    add_transports(READING)
    conf = app.conf
    ours = celery_settings(conf.broker_url)
    options = {**ours["broker_transport_options"], **(conf.broker_transport_options or {})}
    if options.get("global_keyprefix"):
        raise SettingsError("broker_transport_options: global_keyprefix is not supported; use a Redis database instead")
    tls = conf.broker_use_ssl or ours.get("broker_use_ssl")
    conf.update(
        broker_use_ssl=tls,
        broker_read_url=reading_url(ours["broker_url"], tls_configured=bool(tls)),
        broker_transport_options={**options, "lease_s": settings().lease_s, "fair_share": settings().fair_share},
        # The leases count what runs across connections; Celery need not guess.
        worker_enable_prefetch_count_reduction=False,
    )
    app.steps["consumer"].add(LeaseStep)
    # For all tasks, also those with a base class of their own; a message of another transport keeps Celery's ways.
    Task.Request = "workers.transport.due_request:DueRequest"
