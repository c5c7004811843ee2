"""The model in plain Celery, as one would write it first: loaded by the pool's process, one text a task.

Broker and model's folder come from the environment. Imported by its worker alone.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from celery import Celery
from celery.signals import worker_process_init

from benchmarks.bare_bart import Bare

NAME = "bench.summary"

url = os.environ["CELERY_BROKER_URL"]
plain = Celery("plain", broker=url, backend=url, set_as_current=False)
plain.conf.update(
    task_acks_late=True,
    worker_prefetch_multiplier=2,
    worker_send_task_events=True,
    # It loads the model within this; 4 s as it comes.
    worker_proc_alive_timeout=120,
)

_loaded: list[Bare] = []


@worker_process_init.connect
def load(**_: Any) -> None:
    """Load the model in the pool's one process, before its first task; its parent never does."""
    _loaded.append(Bare(Path(os.environ["BENCH_MODEL"])))
    _loaded[0].summaries(["The sea was calm."])


@plain.task(name=NAME)
def summary(text: str) -> str:
    """One text's summary."""
    return _loaded[0].summaries([text])[0]
