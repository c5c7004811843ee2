"""Celery messages that slotline itself writes to a queue, in the shortest form that Celery and kombu accept.

Needed where a message is sent inside a Lua script, in the same step as the change of a
record. The fields are those of Celery's protocol 2; the body is plain JSON, not base64,
so Vietnamese costs its own bytes.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tasks.compact_json import dumps
from tasks.messages.variants import HEADER

if TYPE_CHECKING:
    from celery.app.task import Context

_TAG = uuid.uuid4().hex
"""The place of the delivery tag: a random word of this process, which no text has by chance."""

_REQUEST_HEADERS = (
    "root_id",
    "parent_id",
    "group",
    "group_index",
    "retries",
    "timelimit",
    "origin",
    "ignore_result",
    "replaced_task_nesting",
    "stamped_headers",
    "stamps",
    "argsrepr",
    "kwargsrepr",
)
_NO_FOLLOW_UP = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
_REPR_CHARS = 200


def new_message(
    task: str,
    task_id: str,
    kwargs: Mapping[str, Any],
    queue: str,
    priority: int = 0,
    more: Mapping[str, str] | None = None,
) -> str:
    """A message for `task`, as a producer sends it; `more` are further headers."""
    headers = {"root_id": task_id, "retries": 0, "origin": "slotline", **(more or {})}
    return _envelope(task, task_id, [], kwargs, {}, headers, queue, priority, uuid.uuid4().hex)


def same_task_again(request: Context, queue: str) -> tuple[str, str]:
    """The message of a running task, to be sent again: its text before and after the delivery tag.

    It has the same id, callbacks, chain, chord and reply address, so that the second run ends
    what the first began. Fields that could delay it (eta, expires) are left out.
    """
    embed = {
        "callbacks": request.callbacks,
        "errbacks": request.errbacks,
        "chain": request.chain,
        "chord": request.chord,
    }
    headers = {name: getattr(request, name, None) for name in _REQUEST_HEADERS}
    message = _envelope(
        request.task, request.id, request.args or [], request.kwargs or {}, embed, headers, queue, 0, _TAG,
        correlation_id=request.correlation_id, reply_to=request.reply_to,
    )  # fmt: skip
    head, _, tail = message.partition(_TAG)
    return head, tail


def copy_of(headers: Mapping[str, Any], body: Any, queue: str) -> str:
    """The message of a request as a worker's child got it (its header dict and body), under a new delivery tag."""
    if isinstance(body, (bytes, memoryview)):
        body = bytes(body).decode("utf-8")
    if not isinstance(body, str):
        body = dumps(body)
    kept = {name: headers.get(name) for name in ("lang", "task", "id", *_REQUEST_HEADERS)}
    if variant := headers.get(HEADER):
        kept[HEADER] = variant
    properties = _properties(
        uuid.uuid4().hex, queue, int((headers.get("delivery_info") or {}).get("priority") or 0),
        correlation_id=headers.get("correlation_id"), reply_to=headers.get("reply_to"),
    )  # fmt: skip
    return _wrap(body, kept, properties)


def _envelope(
    task: str,
    task_id: str,
    args: Any,
    kwargs: Mapping[str, Any],
    embed: Mapping[str, Any],
    headers: Mapping[str, Any],
    queue: str,
    priority: int,
    tag: str,
    correlation_id: str | None = None,
    reply_to: str | None = None,
) -> str:
    body = dumps([list(args), dict(kwargs), {**_NO_FOLLOW_UP, **embed}])
    shown = {name: value if len(str(value)) <= 60 else str(value)[:57] + "…" for name, value in kwargs.items()}
    named = {
        "lang": "py",
        "task": task,
        "id": task_id,
        "argsrepr": "()",
        "kwargsrepr": repr(shown)[:_REPR_CHARS],
        **{name: value for name, value in headers.items() if value is not None},
    }
    return _wrap(body, named, _properties(tag, queue, priority, correlation_id or task_id, reply_to))


def _properties(
    tag: str, queue: str, priority: int, correlation_id: str | None, reply_to: str | None
) -> dict[str, Any]:
    return {
        "correlation_id": correlation_id,
        "reply_to": reply_to,
        "delivery_mode": 2,
        "priority": priority,
        "delivery_tag": tag,
        "delivery_info": {"exchange": "", "routing_key": queue},
    }


def _wrap(body: str, headers: Mapping[str, Any], properties: Mapping[str, Any]) -> str:
    return dumps(
        {
            "body": body,
            "content-type": "application/json",
            "content-encoding": "utf-8",
            "headers": headers,
            "properties": properties,
        }
    )
