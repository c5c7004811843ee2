"""The queues of the broker's database that have messages, whoever sent them and whatever they are called.

A pass over all lists of the database (`SCAN`) finds those that nobody named: for a command that a person runs. Reads
at most one message of a list, takes none, and knows nothing of workers.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from redis.exceptions import RedisError

from tasks.redis import keys
from tasks.routing import PRIORITY_SEPARATOR, list_keys

if TYPE_CHECKING:
    from redis import Redis

SCANNED = 1000
"""Keys that Redis looks at in one step."""

MAILBOX = ".pidbox"
"""The end of the lists of Celery's remote control."""


def waiting(client: Redis, known: Iterable[str]) -> dict[str, int]:
    """Every queue with messages -> how many, of all priorities, by name.

    The `known` ones have messages of any form; of another list the next item must be one of kombu's messages.
    """
    lists = {name for queue in known for name in list_keys(queue)}
    found: Any = client.scan_iter(count=SCANNED, _type="list")
    others = sorted({raw.decode(errors="replace") for raw in found} - lists)
    others = [name for name in others if not name.startswith(keys.PREFIX) and not name.endswith(MAILBOX)]
    pipe: Any = client.pipeline(transaction=False)
    for name in (*lists, *others):
        pipe.llen(name).lindex(name, -1)
    answers = pipe.execute(raise_on_error=False)
    counts: Counter[str] = Counter()
    for name, length, last in zip((*lists, *others), answers[0::2], answers[1::2], strict=True):
        if isinstance(length, RedisError):  # this user may not read it
            continue
        if length and (name in lists or _is_message(last)):
            counts[name.partition(PRIORITY_SEPARATOR)[0]] += length
    return dict(sorted(counts.items()))


def _is_message(item: Any) -> bool:
    try:
        return {"body", "properties"} <= set(json.loads(item))
    except (ValueError, TypeError):
        return False
