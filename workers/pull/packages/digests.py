"""Digests of archives, in the form in which their registries write them."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path


def is_right(path: Path, digest: str) -> bool:
    """Whether the file has this digest: `sha256:<hex>` as pip writes it, or `sha512-<base64>` as npm does."""
    algorithm, colon, expected = digest.partition(":")
    if not colon:
        algorithm, _, encoded = digest.partition("-")
        expected = base64.b64decode(encoded).hex()
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest() == expected
