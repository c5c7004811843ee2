"""The form of a small artifact's one file: the data, and behind it a trailer with size, digest and details. Pure.

    <data> \\n {"bytes": 5, "sha256": "…", "details": {…}} \\n slotline <length of the JSON> <its CRC-32> \\n

Both numbers have eight hexadecimal digits, so the end of a trailer is found at the end of the file. It stands behind
the data because players and other programs read a file from its beginning: a WAV says itself how long its sound is,
and what follows is passed over. A file that was cut short has no trailer, and one that lost bytes in between does
not have the size that its trailer says. Whether the data is what was written is known by its digest alone.
"""

from __future__ import annotations

import re
import zlib

from tasks.store.names import Artifact, from_pointer, to_pointer

LOOK_BYTES = 512
"""The trailer of a sound without pieces has about 180 bytes. Whoever looks for one reads this much, and again if it is
longer."""

_END = re.compile(rb"\nslotline ([0-9a-f]{8}) ([0-9a-f]{8})\n")
_END_BYTES = 28


def trailer_of(artifact: Artifact) -> bytes:
    """What is written behind the artifact's data."""
    fields = to_pointer(artifact).encode()
    return b"\n%b\nslotline %08x %08x\n" % (fields, len(fields), zlib.crc32(fields))


def trailer_bytes(end: bytes) -> int:
    """How long the trailer is that these last bytes of a file belong to; 0 if the file has none."""
    match = _END.fullmatch(end[-_END_BYTES:])
    return 1 + int(match[1], 16) + _END_BYTES if match else 0


def from_trailer(name: str, end: bytes, file_bytes: int) -> Artifact | None:
    """The artifact whose file of `file_bytes` ends with `end`; None if its trailer is not there, whole and fitting."""
    size = trailer_bytes(end)
    if not 0 < size <= len(end):
        return None
    fields = end[1 - size : -_END_BYTES]
    if zlib.crc32(fields) != int(end[-9:-1], 16):
        return None
    artifact = from_pointer(name, fields)
    return artifact if artifact and artifact.bytes + size == file_bytes else None
