"""JSON as slotline writes it to Redis: no spaces, and characters as themselves, not as escapes.

Guarantee: it is one line, and can be encoded in UTF-8, whatever the value's texts are.
"""

from __future__ import annotations

import json
from typing import Any


def dumps(value: Any) -> str:
    """The value as JSON; raises `TypeError` for what JSON cannot hold."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair: it has no bytes in UTF-8, but an escape in JSON
        return json.dumps(value, separators=(",", ":"))
    return text
