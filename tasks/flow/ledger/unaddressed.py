"""Messages whose sender names no queue, and the queue that they belong in.

`route` is Celery's router of slotline's own application (`celeryconfig.py`). Any other Celery client that calls
`send_task("speech.chapter", …)` without a queue sends to `celery`, which no worker of slotline reads: the sweep
(`workers/duties/sweep.py`) moves such messages. Names no kind of work. Guarantees: a message is moved in one step, as
it is but for its queue; a message of any other task is not touched, because it belongs to another application, and does
not leave Redis.
"""

from __future__ import annotations

import base64
import functools
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tasks import plugins
from tasks.catalog import catalog
from tasks.compact_json import dumps
from tasks.errors import SlotlineError
from tasks.messages.base import MODEL_NAME, JobRequest, ModelRequest
from tasks.offers import Offers
from tasks.redis.scripts import Scripts
from tasks.routing import DEFAULT_QUEUE, FLOW_QUEUE, RESERVED_QUEUES, list_key, list_keys, priority_of, queue_of

if TYPE_CHECKING:
    from redis import Redis

SLICE_BYTES = 1 << 20
"""A look at a slice of a list ends after so many bytes, however few messages they are."""


class Unaddressed:
    """The lists of Celery's default queue, and where their messages belong.

    Remembers how far it has walked through each list: another application's queue may be longer than one look.
    """

    def __init__(self, client: Redis, scripts: Scripts) -> None:
        self._redis: Any = client  # redis-py types every answer as «sync or async, bytes or str»
        self._scripts = scripts
        self._lists = list_keys(DEFAULT_QUEUE)
        self._indexes = [0] * len(self._lists)

    def address(self, limit: int) -> int:
        """Move slotline's own among the newest `limit` messages of each priority, and among `limit` older ones.

        The older ones are those that follow on the last look's. Returns how many were moved.
        """
        looks = self._scripts.run("unaddressed", self._lists, [limit, SLICE_BYTES, *self._indexes, *_requests()])
        moved = [self._move(source, found) for source, (_, *found) in zip(self._lists, looks, strict=True)]
        self._indexes = [max(0, index - count) for (index, *_), count in zip(looks, moved, strict=True)]
        return sum(moved)

    def _move(self, source: str, newest_first: Sequence[bytes]) -> int:
        targets, texts = [], []
        for message in reversed(newest_first):
            if found := addressed(message, self._is_known):
                targets.append(list_key(found[0], priority_of(source)))
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
