"""JSON as slotline writes it to Redis: no spaces, and characters as themselves, not as escapes."""

from __future__ import annotations

import json
from typing import Any


def dumps(value: Any) -> str:
    """The value as JSON; raises `TypeError` for what JSON cannot hold."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
