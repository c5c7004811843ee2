"""The payload of a part that is an input with fields of its own, of a job of many inputs. Pure, and light.

The first character of every payload is its flag, and its first line, without that, is for a
person to read. Here it is `I`, the text's first words, and a line of JSON: the fields of the
task that computes one input. Paragraphs and chapters have theirs in `tasks/kinds/speech.py`,
the texts of a summary in `tasks/text/levels.py`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

INPUT = "I"
WORDS_CHARS = 48


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
