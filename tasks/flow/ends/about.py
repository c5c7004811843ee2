"""What a list of jobs shows of a job that ends before it was opened: its title or first words, its model, its place.

An opened job has all this from its plan, and a submitted one from its client. Nothing here is checked: the request may
be the very reason why the job fails.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tasks.flow.ledger import Ledger
from tasks.flow.ledger.record import OwnMessage
from tasks.flow.payloads import words_of
from tasks.messages.base import WORDS_CHARS


def about(ledger: Ledger, fields: Mapping[str, Any], parent: tuple[str, int] | None) -> dict[str, str]:
    """The fields of the job's record, from the fields of its message; those of a part are in the job above."""
    place: dict[str, str] = {}
    words = ""
    if parent:
        place = {"parent_job": parent[0], "parent_part": str(parent[1])}
        payload = ledger.queries.payload(*parent) or " "
        words, fields = words_of(payload, WORDS_CHARS), _json_object(payload.partition("\n")[2])
    named = {name: _words(fields.get(name)) for name in ("title", "text", "model", "voice")}
    title = named["title"] or words or named["text"]
    return {"title": title, "model": named["model"], "voice": named["voice"], **place}


def fields_in(own: OwnMessage | None) -> Mapping[str, Any]:
    """The fields of a job's own message; none if it has no such body."""
    if own is None:
        return {}
    try:
        body = json.loads(_json_object(f"{own.head}{own.tail}")["body"])
        return body[1] if isinstance(body[1], dict) else {}
    except (ValueError, LookupError, TypeError):
        return {}


def _json_object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _words(value: Any) -> str:
    return " ".join(value[:WORDS_CHARS].split()) if isinstance(value, str) else ""
