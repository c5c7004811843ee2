"""Messages whose sender names no queue, and the queue that they belong in.

`route` is Celery's router of slotline's own application (`celeryconfig.py`). Any other Celery client that calls
`send_task("speech.chapter", …)` without a queue sends to `celery`, which no worker of slotline reads: the sweep
(`workers/duties/sweep.py`) moves such messages. Names no kind of work. Guarantees: a message is moved in one step, as
it is but for its queue; a message of any other task is not touched, because it belongs to another application.
"""

from __future__ import annotations

import base64
import functools
import json
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from tasks import plugins
from tasks.catalog import catalog
from tasks.compact_json import dumps
from tasks.errors import SlotlineError
from tasks.messages.base import MODEL_NAME, JobRequest, ModelRequest
from tasks.offers import Offers
from tasks.redis.scripts import Scripts
from tasks.routing import DEFAULT_QUEUE, FLOW_QUEUE, PRIORITY_STEPS, RESERVED_QUEUES, list_key, queue_of

if TYPE_CHECKING:
    from redis import Redis


class Unaddressed:
    """The lists of Celery's default queue, and where their messages belong."""

    def __init__(self, client: Redis, scripts: Scripts) -> None:
        self._redis: Any = client  # redis-py types every answer as «sync or async, bytes or str»
        self._scripts = scripts

    def address(self, limit: int) -> int:
        """Move slotline's own among the next `limit` messages of each priority; how many were moved."""
        return sum(self._address_list(priority, limit) for priority in PRIORITY_STEPS)

    def _address_list(self, priority: int, limit: int) -> int:
        source = list_key(DEFAULT_QUEUE, priority)
        targets, texts = [], []
        for message in reversed(self._redis.lrange(source, -limit, -1)):  # the last item is the next one
            if found := addressed(message, self._is_known):
                targets.append(list_key(found[0], priority))
                texts += [message, found[1]]
        return int(self._scripts.run("move", [source, *targets], texts)) if targets else 0

    def _is_known(self, model: str) -> bool:
        """Whether the catalog of this machine has the model, or a worker elsewhere has offered it."""
        try:
            return model in catalog() or Offers(self._redis).published(model) is not None
        except SlotlineError:  # this machine's catalog cannot be read
            return True


def addressed(message: bytes, is_known: Callable[[str], bool]) -> tuple[str, str] | None:
    """The queue that the message belongs in, and the message as it is sent there; None: it is not slotline's."""
    try:
        whole = json.loads(message)
        queue = queue_for(whole["headers"]["task"], _kwargs(whole), is_known)
        if queue is None:
            return None
        whole["properties"]["delivery_info"] = {"exchange": "", "routing_key": queue}
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    return queue, dumps(whole)


def _kwargs(message: Mapping[str, Any]) -> Mapping[str, Any]:
    body = message["body"]
    if message["properties"].get("body_encoding") == "base64":
        body = base64.b64decode(body)
    _, kwargs, _ = json.loads(body)
    return dict(kwargs)


def queue_for(task: str, kwargs: Mapping[str, Any], is_known: Callable[[str], bool] = lambda model: True) -> str | None:
    """The queue of a task of slotline; None for any other task.

    A task that a slot computes, but for no model that `is_known`, belongs in `flow`: there it fails in words.
    """
    request = _requests().get(task)
    if request is None:
        return None
    model = kwargs.get("model")
    if issubclass(request, JobRequest) or not isinstance(model, str):
        return FLOW_QUEUE
    is_name = re.fullmatch(MODEL_NAME, model) and model not in RESERVED_QUEUES
    return queue_of(model) if is_name and is_known(model) else FLOW_QUEUE


def route(
    name: str, args: Any, kwargs: Mapping[str, Any] | None, options: Mapping[str, Any], task: Any = None, **_: Any
) -> dict[str, str] | None:
    """Celery's router: where a message goes whose sender names no queue."""
    queue = queue_for(name, kwargs or {})
    return None if queue is None else {"queue": queue}


@functools.cache
def _requests() -> Mapping[str, type[ModelRequest]]:
    """The class of each task's request, by the task's name."""
    found: dict[str, type[ModelRequest]] = {}
    for one in plugins.classes(plugins.MESSAGES, ModelRequest):
        if isinstance(task := getattr(one, "task", None), str):
            found.setdefault(task, one)
    return found
