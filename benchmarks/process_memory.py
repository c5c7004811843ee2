"""Memory of a system of several processes: what each holds alone, and its share of what they hold together.

The sum of proportional set sizes (PSS) counts a page once that several processes share, like a forked child and its
parent; the sum of resident sets (RSS) counts it in each. It reads /proc, so on systems without it there are no figures.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Memory:
    """Of several processes together, in bytes."""

    pss_bytes: int
    rss_bytes: int


def memory_of(pids: Iterable[int]) -> Memory:
    """Of these processes now; one that has ended counts nothing."""
    pss_bytes = rss_bytes = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                name, _, figure = line.partition(":")
                if name == "Pss":
                    pss_bytes += int(figure.split()[0]) * 1024
                elif name == "Rss":
                    rss_bytes += int(figure.split()[0]) * 1024
    return Memory(pss_bytes, rss_bytes)
