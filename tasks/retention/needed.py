"""Which artifacts open jobs need: what their records name. Removes nothing.

These are the texts that a job will read and the artifacts of its parts that have ended; and what a delayed
message names.
"""

from __future__ import annotations

import base64
import json
import re

from tasks.flow.ledger import Ledger

NAMED = re.compile(rb"[a-z0-9_-]+/[0-9a-f]{2}/[0-9a-f]{64}")
"""An artifact's name without its extension, at any place in a record."""

SLASH = re.compile(rb"\\+/")
"""As JSON of some languages has it: PHP's, for one."""

JOBS_AT_ONCE = 1_000_000


def needed(ledger: Ledger) -> set[bytes]:
    """The artifacts that open jobs and delayed messages name, without extensions."""
    found: set[bytes] = set()
    for job_id in ledger.queries.open_jobs(JOBS_AT_ONCE):
        for text in ledger.queries.texts(job_id):
            found.update(NAMED.findall(text))
    for message in ledger.delayed.messages():
        found.update(NAMED.findall(SLASH.sub(b"/", _body_of(message))))
    return found


def _body_of(message: bytes) -> bytes:
    """A message's body as text; the message as it is where that cannot be read."""
    try:
        read = json.loads(message)
        is_base64 = read["properties"].get("body_encoding") == "base64"
        return base64.b64decode(read["body"]) if is_base64 else message
    except (ValueError, TypeError, KeyError, AttributeError):
        return message
