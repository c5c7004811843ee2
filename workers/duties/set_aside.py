"""Sets aside messages that cannot be a task here: kept whole, with a line in the log, and answered if they have an id.

Replaces what Celery's consumer does with them, which is to drop them. Such a message is no
task at all, or names an unknown task, or has headers or a body that cannot be read, or that
are nested too deep: Python could not pickle them for a child, which would end this worker
and then the next one. Guarantee: the answer is stored before the message is set aside, so
after a crash between the two the message comes again.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from typing import Any

from tasks.errors import InvalidInput
from tasks.flow.connections import ledger
from tasks.flow.ends.outside import fail_refused
from tasks.messages.lookup import takes_result, task_names
from tasks.redis import task_id
from workers.duties.duty import ConsumerDuty
from workers.transport.due_request import fault_of_eta
from workers.upstream.celery import guard_tasks, refuse_through

logger = logging.getLogger(__name__)

SHOWN_CHARS = 200
DEEPEST = 64
"""Levels of lists and objects; slotline's own messages have four."""

WORDS = (str, type(None))
HEADERS: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("root_id", "parent_id", "group", "lang", "origin", "shadow", "argsrepr", "kwargsrepr"), WORDS),
    **dict.fromkeys(("eta", "reply_to", "correlation_id"), WORDS),
    "expires": (str, int, float, type(None)),
    **dict.fromkeys(("retries", "group_index", "replaced_task_nesting"), (int, type(None))),
    "ignore_result": (bool, type(None)),
    **dict.fromkeys(("timelimit", "stamped_headers"), (list, type(None))),
    "stamps": (dict, type(None)),
}
"""The types that Celery's tracer expects of each header; another one ends or hangs the process that traces."""

FOLLOW_UPS = ("callbacks", "errbacks", "chain", "chord")

Strategy = Callable[..., Any]


class MessageSetAside(ConsumerDuty):
    """A step of Celery's consumer that takes the place of its handlers for such messages."""

    def start(self, consumer: Any) -> None:
        """Called before the consumer's loop, which reads its handlers once, when it begins."""
        refuse_through(consumer, self.set_aside)
        guard_tasks(consumer, self._guarded)

    def _guarded(self, strategy: Strategy) -> Strategy:
        def receive(message: Any, body: Any, *rest: Any) -> Any:
            if fault := fault_of(message.headers, message.payload, message.properties):
                return self.set_aside(message, fault)
            return strategy(message, body, *rest)

        return receive

    def set_aside(self, message: Any, why: str) -> None:
        """Answer one message, then set it aside; after one of redis-py's errors it comes again."""
        reason = " ".join(why.split())[:SHOWN_CHARS]
        queue = (message.delivery_info or {}).get("routing_key")
        logger.error("message %s in %r is set aside: %s", message.delivery_tag, queue, reason)
        self._answer(_id_of(message), message.delivery_tag, reason)
        message.channel.leases.set_aside(message.delivery_tag, reason)

    def _answer(self, found: Any, tag: str, reason: str) -> None:
        """Store the refusal under the message's id, if it can be a key and no other task has the id already.

        The job whose own message it is, or the part, ends with it: else the sweep would send the message again.
        """
        name = str(found) if isinstance(found, (int, float)) else found
        if not isinstance(name, str) or not name or not task_id.is_text(name):
            return
        error = InvalidInput(reason)
        if fail_refused(ledger(self.consumer.app), name, tag, error):
            self.consumer.app.backend.mark_as_failure(name, error)
        else:
            logger.warning("the id %r has a result or a job already, which stays", name)


def _id_of(message: Any) -> Any:
    """The id of the task that a message names, of whatever type; None if it names none."""
    if not isinstance(message.headers, dict):
        return None
    if "id" in message.headers:
        return message.headers["id"]
    try:
        return message.payload.get("id")  # Celery's first protocol
    except Exception:  # its body cannot be read
        return None


def fault_of(headers: Mapping[str, Any], payload: Any, properties: Mapping[str, Any] | None = None) -> str | None:
    """What is wrong with a message for one of our tasks, in words, or None. Celery would find it out too late."""
    if is_deep(headers) or is_deep(payload):
        return f"body: nested deeper than {DEEPEST} levels"
    first_protocol = payload if isinstance(payload, dict) else {}
    if fault := _fault_of_id(headers, first_protocol) or _fault_of_headers(headers, properties or {}):
        return fault
    if isinstance(payload, dict) and "args" in payload:  # Celery's first protocol
        follow_ups = {name: payload.get(name) for name in FOLLOW_UPS}
        return _fault_of_body(payload["args"], payload.get("kwargs") or {}, follow_ups)
    if not (isinstance(payload, list) and len(payload) == 3):
        return "body: not [args, kwargs, embed]"
    return _fault_of_args(str(headers.get("task")), payload[0]) or _fault_of_body(*payload)


def _fault_of_args(task: str, args: Any) -> str | None:
    """Python's own error for them would be stored over another request's result."""
    if not args or task not in task_names():
        return None
    if not takes_result(task):
        return "args: give keyword arguments only"
    is_one = not isinstance(args, list) or len(args) == 1
    return None if is_one else "args: give keyword arguments, and no more than one result of a task before"


def _fault_of_id(headers: Mapping[str, Any], first_protocol: Mapping[str, Any]) -> str:
    for place, fields in (("headers.", headers), ("", first_protocol)):
        if "id" in fields and (fault := task_id.fault_of(fields["id"])):
            return place + fault
    return ""


def _fault_of_headers(headers: Mapping[str, Any], properties: Mapping[str, Any]) -> str | None:
    for name, value in headers.items():
        if (kinds := HEADERS.get(name)) and not isinstance(value, kinds):
            return f"headers.{name}: is {type(value).__name__}"
    if (eta := headers.get("eta")) and (fault := fault_of_eta(eta)):
        return fault
    for place, fields in (("headers", headers), ("properties", properties)):
        for name, value in fields.items():
            if isinstance(value, str) and not task_id.is_text(value):
                return f"{place}.{name}: has half of a surrogate pair"
    timelimit = headers.get("timelimit") or []
    if len(timelimit) not in (0, 2) or not all(limit is None or _is_seconds(limit) for limit in timelimit):
        return "headers.timelimit: not two numbers of seconds"
    if not all(isinstance(name, str) for name in headers.get("stamped_headers") or []):
        return "headers.stamped_headers: not names"
    # Celery takes them from the headers too, where the body has none; a job's message would be refused at its end.
    return _fault_of_follow_ups("headers.", headers)


def _fault_of_body(args: Any, kwargs: Any, embed: Any) -> str | None:
    if not (isinstance(args, list) and isinstance(kwargs, dict) and isinstance(embed, (dict, type(None)))):
        return "body: not [list, object, object]"
    return _fault_of_follow_ups("body: ", embed or {})


def _fault_of_follow_ups(place: str, fields: Mapping[str, Any]) -> str | None:
    for name in FOLLOW_UPS:
        follow_up = fields.get(name)
        if not follow_up:
            continue
        signatures = follow_up if isinstance(follow_up, list) else [follow_up]
        if not all(isinstance(one, dict) and isinstance(one.get("task"), str) for one in signatures):
            return f"{place}{name} is no signature"
    return None


def _is_seconds(value: Any) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value) and value >= 0


def is_deep(value: Any, deepest: int = DEEPEST) -> bool:
    """Whether `value` nests lists and objects more than `deepest` levels deep. Works without recursion."""
    level = [value] if isinstance(value, (dict, list)) else []
    for _ in range(deepest):
        inner = (one for outer in level for one in (outer.values() if isinstance(outer, dict) else outer))
        level = [one for one in inner if isinstance(one, (dict, list))]
        if not level:
            return False
    return True
