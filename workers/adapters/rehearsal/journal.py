"""The journal of a rehearsal: a line of JSON for each input at its begin and at its end, by which tests see what ran.

Guarantee: the lines of one write stand together, because several processes write to one file.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Mapping, Sequence


def write(path: str, lines: Sequence[Mapping[str, object]]) -> None:
    """Append these lines, each with the process and the clock (monotonic, in ns)."""
    common = {"pid": os.getpid(), "ns": time.monotonic_ns()}
    text = "".join(json.dumps({**common, **line}) + "\n" for line in lines)
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(file, text.encode())
    finally:
        os.close(file)


def digest(text: str) -> str:
    """The name of a text in the journal."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]
