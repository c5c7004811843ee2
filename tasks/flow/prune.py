"""Retention of artifacts: what is old and needed by no open job is removed from the store.

Needed is what an open job's record names: the texts that it will read and the artifacts of
the parts that have ended; and what a delayed message names. Pruning beside running workers is
safe: an artifact that is removed after it was found, and before it is used, is computed again
(`Incomplete`, `tasks/flow/kind.py`).
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass

from tasks.flow.ledger import Ledger
from tasks.store.artifacts import Store

NAMED = re.compile(rb"[a-z0-9_-]+/[0-9a-f]{2}/[0-9a-f]{64}")
"""An artifact's name without its extension, at any place in a record."""

JOBS_AT_ONCE = 1_000_000


@dataclass(frozen=True)
class Pruned:
    """What a pruning removed, and what it left because an open job needs it."""

    files: int
    bytes: int
    kept: int


def needed(ledger: Ledger) -> set[bytes]:
    """The artifacts that open jobs and delayed messages name, without extensions."""
    found: set[bytes] = set()
    for job_id in ledger.queries.open_jobs(JOBS_AT_ONCE):
        for text in ledger.queries.texts(job_id):
            found.update(NAMED.findall(text))
    for message in ledger.delayed.messages():
        found.update(NAMED.findall(_body_of(message)))
    return found


def _body_of(message: bytes) -> bytes:
    """A message's body as text; the message as it is where that cannot be read."""
    try:
        read = json.loads(message)
        is_base64 = read["properties"].get("body_encoding") == "base64"
        return base64.b64decode(read["body"]) if is_base64 else message
    except (ValueError, TypeError, KeyError, AttributeError):
        return message


def prune(store: Store, ledger: Ledger, older_than_s: float, now: float, dry_run: bool = False) -> Pruned:
    """Remove files written more than `older_than_s` before `now` (seconds since 1970) that no open job needs."""
    wanted = needed(ledger)
    files = total = kept = 0
    for stored in store.files():
        if now - stored.modified < older_than_s:
            continue
        named = NAMED.match(stored.name.encode("utf-8", "replace"))
        if named and named.group() in wanted:
            kept += 1
            continue
        if not dry_run:
            store.remove_file(stored.name)
        files, total = files + 1, total + stored.bytes
    return Pruned(files, total, kept)


__all__ = ["Pruned", "needed", "prune"]
