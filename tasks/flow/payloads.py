"""The payloads of parts that say more than a text and how it begins. Pure, and light: a slot's child reads them.

The first character of every payload is its flag, and its first line, without that, is for
a person to read. Paragraphs and chapters have theirs in `tasks/speech.py`.

- A text of a summary's job: the level's digit, the text, and for a half of another part a
  line with `\\x1f` and that part's number. No text holds that sign: it is no character of a
  normalised one.
- An input with fields of its own, of a job of many inputs: `I`, the text's first words, and
  a line of JSON, the fields of the task that computes one input.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

INPUT = "I"
WORDS_CHARS = 48

_OF = "\n\x1f"


@dataclass(frozen=True)
class Node:
    """A text to be summarised, its level (from 1), and the part (from 1) that it is a half of; 0 where it is none."""

    level: int
    text: str
    of: int = 0

    @property
    def payload(self) -> str:
        """The part as the ledger keeps it."""
        return f"{self.level}{self.text}" + (f"{_OF}{self.of}" if self.of else "")


def node_of(payload: str) -> Node:
    """The text in a payload."""
    text, _, of = payload[1:].partition(_OF)
    return Node(int(payload[0]), text, int(of or 0))


def input_payload(fields: Mapping[str, Any]) -> str:
    """An input with its own fields; one of them is its `text`."""
    words = " ".join(str(fields["text"])[: WORDS_CHARS * 2].split())[:WORDS_CHARS]
    return f"{INPUT}{words}\n" + json.dumps(dict(fields), ensure_ascii=False, separators=(",", ":"))


def input_fields(payload: str) -> dict[str, Any] | None:
    """The input's own fields; None for a payload of another kind."""
    if not payload.startswith(INPUT):
        return None
    fields: dict[str, Any] = json.loads(payload.partition("\n")[2])
    return fields
