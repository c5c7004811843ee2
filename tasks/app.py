"""The Celery application of producers and workers; loads no model code."""

from __future__ import annotations

from celery import Celery

import celeryconfig
from tasks import plugins
from tasks.settings import settings

app = Celery("slotline", include=plugins.module_names(plugins.KINDS))
# The module, not its name: by name Celery would import a file in the current folder.
app.config_from_object(celeryconfig)
app.conf.update(
    broker_url=settings().broker_url,
    result_backend=settings().results,
    result_expires=settings().job_ttl_s,
)
if settings().broker_url.startswith("sentinel://"):
    # The name of the server at the Sentinels.
    app.conf.update(
        broker_transport_options={"master_name": settings().sentinel_master},
        result_backend_transport_options={"master_name": settings().sentinel_master},
    )
app.set_default()
