"""How much there is to compute in each part of a job: its size, in the craft's own unit (characters of its text).

The ledger keeps the sizes of a job as one string of 4 bytes a part, so that what is left of a job of any length is
read in one step. Here they are packed and read. Nothing is decided by them: estimates use them.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Sequence

LARGEST = 2**32 - 1

_CODE = next(code for code in "IL" if array(code).itemsize == 4)


def packed(sizes: Sequence[int]) -> bytes:
    """The string of these sizes; one that is too large or negative becomes the nearest that can be kept."""
    found = array(_CODE, [min(max(size, 0), LARGEST) for size in sizes])
    return _ordered(found).tobytes()


def unpacked(raw: bytes | None) -> Sequence[int]:
    """The sizes in such a string; none where it is missing, or no such string."""
    if not raw or len(raw) % 4:
        return ()
    found = array(_CODE)
    found.frombytes(raw)
    return _ordered(found)


def size_of(payload: str) -> int:
    """The size of a part of which only its payload is known: the length of the text behind its flag."""
    return max(len(payload) - 1, 0)


def _ordered(sizes: array[int]) -> array[int]:
    """The same with the highest byte first, as Redis' scripts read it, or back."""
    if sys.byteorder == "little":
        sizes.byteswap()
    return sizes
