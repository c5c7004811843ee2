"""The Celery application of producers and workers; loads no model code."""

from __future__ import annotations

import sys
from typing import Any

from celery import Celery, signals

import celeryconfig
from tasks import plugins
from tasks.exit_codes import BAD_INPUT
from tasks.redis.broker import celery_settings
from tasks.settings import settings

_redis = celery_settings(settings().broker_url)
# The loader is named, so that no variable CELERY_LOADER brings another.
app = Celery(
    "slotline",
    include=plugins.module_names(plugins.KINDS),
    loader="celery.loaders.app:AppLoader",
    control="tasks.flow.ends.control:LedgerControl",
)
# The module, not its name: by name Celery would import a file in the current folder.
app.config_from_object(celeryconfig)
app.conf.update(_redis, result_expires=settings().job_ttl_s)
app.backend_cls = _redis["result_backend"]
app.set_default()


def refuse_worker(instance: Any, **_: Any) -> None:
    """End a worker of Celery's own kind (`celery -A tasks.app worker`): it would read slotline's queues without leases.

    `workers/startup.py` disconnects this for the workers of slotline.
    """
    if instance.app is app:
        print("slotline: -A: slotline's workers start as `celery -A workers worker …`", file=sys.stderr, flush=True)
        raise SystemExit(BAD_INPUT)


signals.celeryd_init.connect(refuse_worker, weak=False)
