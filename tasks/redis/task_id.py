"""Which ids a task may have, and which request an id belongs to. Pure.

The sender chooses the id, and it becomes part of keys, messages and other ids.

Almost any text is taken, also with quotes, spaces or line ends. Guarantee: two ids that are taken never share a key of
the ledger, and each of them can be stored under Celery's own key.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from tasks.errors import IdInUse, InvalidInput
from tasks.redis import keys

LONGEST_BYTES = 512
"""A part's message has its job's id six times, and a job may have 100,000 parts."""

SURELY_SHORT = LONGEST_BYTES // 4
"""Characters of an id that need not be counted in bytes; each worker looks at each id."""

_ROOM_ENDS = tuple(f":{room}" for room in keys.ROOMS)

_PART_NUMBERS = re.compile(r"(\.\d{1,9}){1,3}$")
"""What the ledger adds to the id of a part of a job; it does not count."""


def fault_of(task_id: object) -> str:
    """Why a task cannot have this id, in words that begin with `id:`; empty if it can."""
    if not isinstance(task_id, str):
        return f"id: is {type(task_id).__name__}, and must be text"
    if not task_id:
        return "id: is empty"
    if not is_text(task_id):
        return "id: has half of a surrogate pair, which no key in Redis can have"
    if len(task_id) > SURELY_SHORT and (size := len(_PART_NUMBERS.sub("", task_id).encode())) > LONGEST_BYTES:
        return f"id: has {size} bytes; it may have {LONGEST_BYTES}"
    if task_id.endswith(_ROOM_ENDS):
        return f"id: ends in ':{task_id.rpartition(':')[2]}', as a key of another job does"
    return ""


def check(task_id: object) -> None:
    """Raise `InvalidInput` for an id that a task cannot have."""
    if why := fault_of(task_id):
        raise InvalidInput(why)


def is_text(text: str) -> bool:
    """Whether the text can be encoded in UTF-8: JSON can bring half of a surrogate pair, which cannot."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def digest_of(task: str, fields: Mapping[str, Any]) -> str:
    """What tells two requests apart that have the same id: the task and its fields, without those for people.

    A field that is None counts as left out.
    """
    named = {name: value for name, value in fields.items() if value is not None and name != "words"}
    return hashlib.sha256(json.dumps([task, named], sort_keys=True).encode()).hexdigest()[:24]


def in_use(task_id: str) -> IdInUse:
    """The error of a request whose id belongs to another one."""
    return IdInUse(f"id: {task_id!r} is the id of another request; send this one under an id of its own")
