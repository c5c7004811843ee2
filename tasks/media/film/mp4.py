"""Writes packets of H.264 and AAC as mp4: a file with its table of contents first, or fragments, one after another.

Encodes nothing, and decides nothing about what is in the film.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from tasks.media.film.pyav import load
from tasks.media.film.soundtrack import FRAME_SAMPLES, Soundtrack


class Mp4File:
    """A film in a file. FFmpeg writes it, and at the end moves the table of contents to its start."""

    def __init__(self, path: Path | BinaryIO, sound: Soundtrack | None) -> None:
        if not isinstance(path, Path):
            raise TypeError("a film that is not fragmented needs the path of a file: its start is written last")
        self._path, self._sound = path, sound
        self._container: Any = None
        self._streams: _Streams | None = None

    def begin(self, like: Any) -> None:
        """Open the file for pictures like those of a stream."""
        options = {"movflags": "faststart"}
        self._container = load("film").open(f"file:{self._path}", "w", format="mp4", options=options)
        self._streams = _Streams(self._container, like, self._sound)

    def write(self, pictures: Sequence[Any], sound: Sequence[Any]) -> None:
        """Append packets."""
        assert self._streams is not None, "begin comes first"
        self._streams.mux(pictures, sound)

    def end(self, sound: Sequence[Any]) -> int:
        """Append the last packets of the sound, and the table of contents; returns the bytes of the file."""
        self.write([], sound)
        container, self._container = self._container, None
        container.close()
        return self._path.stat().st_size

    def close(self) -> None:
        """Close the file as it is, if it is open."""
        if self._container is not None:
            with contextlib.suppress(load("film").FFmpegError, OSError):
                self._container.close()


class Mp4Fragments:
    """A film in fragments: each `write` is one, and can be shown when it is written.

    A fragment is the film of a muxer of its own, without its head, so nothing of it waits in a muxer for the next one.
    """

    def __init__(self, out: Path | BinaryIO, sound: Soundtrack | None) -> None:
        self._path = out if isinstance(out, Path) else None
        self._out = None if isinstance(out, Path) else out
        self._sound = sound
        self._like: Any = None
        self._fragments = 0
        self._bytes = 0

    def begin(self, like: Any) -> None:
        """Open the file if `out` is a path. The pictures are like those of a stream, which stays open."""
        if self._path:
            self._out = self._path.open("wb")
        self._like = like

    def write(self, pictures: Sequence[Any], sound: Sequence[Any]) -> None:
        """Write packets as a fragment."""
        if not pictures and not sound:
            return
        assert self._out is not None, "begin comes first"
        self._fragments += 1
        made = io.BytesIO()
        # use_editlist: without it FFmpeg moves the times of every muxer to zero.
        flags = _FIRST if self._fragments == 1 else _LATER
        options = {"movflags": flags, "use_editlist": "1", "fragment_index": str(self._fragments)}
        with load("film").open(made, "w", format="mp4", options=options) as container:
            _Streams(container, self._like, self._sound).mux(pictures, self._moved(sound))
        for kind, box in _boxes(made.getvalue()):
            if self._fragments == 1 or kind in (b"moof", b"mdat"):
                self._out.write(box)
                self._bytes += len(box)
        self._out.flush()

    def _moved(self, sound: Sequence[Any]) -> Sequence[Any]:
        """The first fragment says that the sound begins with a packet of silence; from there on times count from it."""
        for packet in sound if self._fragments > 1 else ():
            packet.pts += FRAME_SAMPLES
            packet.dts += FRAME_SAMPLES
        return sound

    def end(self, sound: Sequence[Any]) -> int:
        """Write the last packets of the sound; returns the bytes that were written in all."""
        self.write([], sound)
        self.close()
        return self._bytes

    def close(self) -> None:
        """Close the file if it was opened here."""
        if self._path and self._out:
            self._out.close()


_FIRST = "frag_custom+default_base_moof+skip_trailer+delay_moov"
_LATER = "frag_custom+default_base_moof+skip_trailer+empty_moov+frag_discont"


class _Streams:
    """The two streams of an open container."""

    def __init__(self, container: Any, like: Any, sound: Soundtrack | None) -> None:
        self._container = container
        self._pictures = container.add_stream_from_template(like)
        self._sound: Any = None
        if sound:
            self._sound = container.add_stream("aac", rate=sound.rate)
            sound.configure(self._sound.codec_context)

    def mux(self, pictures: Sequence[Any], sound: Sequence[Any]) -> None:
        """Write packets in the order of their times."""
        for packet in pictures:
            packet.stream = self._pictures
        for packet in sound:
            packet.stream = self._sound
        for packet in sorted([*pictures, *sound], key=lambda packet: packet.dts * packet.time_base):
            self._container.mux(packet)


def _boxes(film: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The outermost boxes of an mp4, each with its kind. None is beyond 4 GiB: it is one stretch."""
    at = 0
    while at < len(film):
        size = int.from_bytes(film[at : at + 4], "big")
        yield film[at + 4 : at + 8], film[at : at + size]
        at += size
