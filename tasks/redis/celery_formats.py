"""The formats of Celery and kombu that slotline writes itself, one row each: its fields, and the files that use it.

Needed where a message or a result is written inside a Lua script, in the same step as a record.
`tests/house/test_celery_formats.py` compares each row with what Celery itself writes and with what
slotline writes: another format fails there, by name. A table, imported by that test alone.
"""

from __future__ import annotations

from dataclasses import dataclass

ENVELOPE = "tasks/flow/envelope.py"
HEAD_LUA = "tasks/flow/ledger/lua/_head.lua"
CANCEL_LUA = "tasks/flow/ledger/lua/cancel.lua"
RESULT_LUA = "tasks/flow/ledger/lua/result.lua"
SEND_LUA = "tasks/flow/ledger/lua/send.lua"
RESULTS = "producer/results.py"


@dataclass(frozen=True)
class Format:
    """One of Celery's or kombu's formats: its fields, and the files that write or read it."""

    name: str
    fields: tuple[str, ...]
    used_in: tuple[str, ...]


def _format(name: str, fields: str, *used_in: str) -> Format:
    return Format(name, tuple(fields.split()), used_in)


MESSAGE = _format(
    "an item of a queue's list, JSON (kombu's virtual transport)",
    "body content-type content-encoding headers properties",
    ENVELOPE, HEAD_LUA, "workers/transport/lua/reserve.lua",
)  # fmt: skip
"""LPUSH adds to it, RPOP takes from it: the last item is the next to be taken. Celery also writes `body` in base64."""

PROPERTIES = _format(
    "a message's properties (kombu)",
    "correlation_id reply_to delivery_mode delivery_info priority delivery_tag",
    ENVELOPE, HEAD_LUA, "workers/transport/lua/reserve.lua", "workers/transport/channel.py",
)  # fmt: skip
"""Celery adds `body_encoding` where the body is base64."""

DELIVERY_INFO = _format("where a message was sent (kombu)", "exchange routing_key", ENVELOPE, HEAD_LUA)

HEADERS = _format(
    "a message's headers (Celery's protocol 2)",
    "lang task id root_id parent_id group group_index retries timelimit origin ignore_result replaced_task_nesting "
    "stamped_headers stamps argsrepr kwargsrepr",
    ENVELOPE, HEAD_LUA, "workers/duties/set_aside.py",
)  # fmt: skip
"""Celery also writes `eta`, `expires` and `shadow`: slotline leaves out what would make a second run late."""

EMBED = _format(
    "the third item of a message's body `[args, kwargs, embed]` (Celery's protocol 2)",
    "callbacks errbacks chain chord",
    ENVELOPE, HEAD_LUA, "workers/duties/set_aside.py",
)  # fmt: skip

META = _format(
    "a stored result, JSON under `celery-task-meta-<id>`, and published on a channel of that name",
    "status result traceback children date_done task_id",
    HEAD_LUA, CANCEL_LUA, RESULT_LUA, SEND_LUA, "tasks/redis/keys.py", RESULTS,
)  # fmt: skip
"""`status` comes first: cancel.lua and result.lua read it there."""

ERROR = _format(
    "the `result` of a task that failed or was revoked", "exc_type exc_message exc_module", CANCEL_LUA, RESULTS
)

ETA = _format(
    "the time of a message's header `eta`: a date and a time in ISO 8601, with an offset (Celery's protocol 2)",
    "eta", "workers/transport/lua/reserve.lua", "workers/transport/due_request.py",
)  # fmt: skip
"""Other clients may leave out seconds, their fraction or the offset, or write `Z`."""

PRIORITY_LIST = _format("the name of a queue's list of one priority (kombu's Redis transport)", "", "tasks/routing.py")
"""`<queue>` for priority 0, else `<queue><separator><step>`."""

FORMATS = (MESSAGE, PROPERTIES, DELIVERY_INFO, HEADERS, EMBED, META, ERROR, ETA, PRIORITY_LIST)
