"""The artifacts that inputs name, as `prepare` reads them: those read lately are kept in memory.

Neighbouring stretches of a film need the same blocks of its sound. An artifact is named by its content, so what is
kept is never old. Guarantee: no more than `KEPT_BYTES` is kept, and nothing that is not in the store or is damaged.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from cachetools import LRUCache

KEPT_BYTES = 16 * 1024 * 1024
"""Twenty-five blocks of 20 s (640 KB): two for each of a dozen films at once."""


class ArtifactsRead:
    """What was read lately; `read` gets an artifact from the store, `size` only its size. Any thread may use it."""

    def __init__(
        self,
        read: Callable[[str], bytes],
        kept_bytes: int = KEPT_BYTES,
        size: Callable[[str], int] | None = None,
    ) -> None:
        self._read = read
        self._size = size or (lambda name: len(read(name)))
        self._lock = threading.Lock()
        self._kept: LRUCache[str, bytes] = LRUCache(kept_bytes, getsizeof=len)

    def read_bytes(self, name: str) -> bytes:
        """The content of an artifact; raises what the store raises."""
        with self._lock:
            if (kept := self._kept.get(name)) is not None:
                return kept
        content = self._read(name)
        with self._lock:
            if len(content) <= self._kept.maxsize:
                self._kept[name] = content
        return content

    def size_of(self, name: str) -> int:
        """How many bytes an artifact has; raises what the store raises."""
        with self._lock:
            if (kept := self._kept.get(name)) is not None:
                return len(kept)
        return self._size(name)
