"""The messages and payloads of parts, in the forms that all kinds share. Pure.

A part's message has its job and its number. The ledger keeps the part's payload: the first
character is a flag, and the rest of the first line is text for people. Each kind writes and
reads its own payloads in its own module. Two forms are shared and defined here: an input with
its own fields (`I`, its first words, a line of JSON), and a job that is a part of another job
(the kind's flag, its title, a line of JSON).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tasks.compact_json import dumps
from tasks.errors import InvalidInput
from tasks.redis.task_id import fault_of

INPUT = "I"
WORDS_CHARS = 48


def part_of(fields: Mapping[str, Any]) -> tuple[str, int] | None:
    """The job and the part number of a message; None for a task without a job. Raises `InvalidInput`."""
    if "job" not in fields and "part" not in fields:
        return None
    try:
        job_id, part = fields["job"], int(fields["part"])
    except (KeyError, TypeError, ValueError) as exc:
        raise InvalidInput(f"job, part: not a part of a job ({exc!r})") from exc
    if why := fault_of(job_id):
        raise InvalidInput(f"job: {why}")
    if part < 1:  # in the ledger's scripts 0 is not a part, and a negative number counts from the end
        raise InvalidInput(f"part: {part} is not a part of a job; parts are counted from 1")
    return job_id, part


def words_of(payload: str, limit: int = 40) -> str:
    """The beginning of a payload, for people: its first line without the flag."""
    words = payload[1:].partition("\n")[0]
    return words if len(words) <= limit else words[: limit - 1] + "…"


def payload_of_fields(flag: str, words: str, fields: Mapping[str, Any]) -> str:
    """A payload with a request's fields; `words` are for people, and become one line."""
    return f"{flag}{' '.join(words.split())}\n{dumps(dict(fields))}"


def fields_of_payload(payload: str) -> dict[str, Any]:
    """The fields in such a payload."""
    fields: dict[str, Any] = json.loads(payload.partition("\n")[2])
    return fields


def input_payload(words: str, fields: Mapping[str, Any]) -> str:
    """The payload of one input of many, with its own fields; `words` is its beginning."""
    return payload_of_fields(INPUT, " ".join(words.split())[:WORDS_CHARS], fields)


def input_fields(payload: str) -> dict[str, Any] | None:
    """The fields of such a payload; None for a payload of another form."""
    return fields_of_payload(payload) if payload.startswith(INPUT) else None
