"""Joins stretches of film, in order, to one film with its sound: H.264 and AAC in mp4, 25 frames a second.

Pictures are copied, not encoded again. A film is written to a file, with its table of contents first, or, fragmented,
to anything that can be written to: then each stretch can be shown as soon as it is added. Memory does not grow with the
film, but for the table of contents of a file.
"""

from __future__ import annotations

import logging
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO, Self

from tasks.errors import ModelError
from tasks.media.film.encoders import FPS
from tasks.media.film.fit import Form, fitted, opened, parameter_sets
from tasks.media.film.mp4 import Mp4File, Mp4Fragments
from tasks.media.film.pyav import load
from tasks.media.film.soundtrack import Soundtrack

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FilmAbout:
    """A film that is whole: its size in pixels, its frames, and its length in bytes."""

    width: int
    height: int
    frames: int
    bytes: int


class FilmWriter:
    """Writes one film. `add` its stretches in order, then `finish`; used in a `with` block, which closes its files.

    `out` is the path of a file; a fragmented film may also go to an open file, which need not be seekable and stays
    open. The film has the sound in the file `sound`, cut or filled up with silence to the length of the pictures, or no
    sound. `name` is how errors call that file. After an error, what was written is no film.
    """

    def __init__(self, out: Path | BinaryIO, sound: Path | None, *, fragmented: bool, name: str = "") -> None:
        self._sound = Soundtrack(sound, name) if sound else None
        self._out: Mp4File | Mp4Fragments
        if fragmented:
            self._out = Mp4Fragments(out, self._sound)
        else:
            self._out = Mp4File(out, self._sound)
        self._form: Form | None = None
        self._header = b""
        self._stretches = 0
        self._frames = 0
        self._open = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._out.close()
        self._open.close()

    def add(self, stretch: bytes) -> None:
        """Append a stretch, an mp4 of H.264, and the sound of its time.

        Raises `ModelError` if it is none or has another size, `InvalidInput` where the sound is damaged, and `OSError`.
        """
        self._stretches += 1
        try:
            form = self._form or self._begin(stretch)
            pictures = self._fitting(stretch, form)
        except ModelError as exc:
            raise ModelError(f"stretch {self._stretches}: {exc}") from exc
        for packet in pictures:
            packet.pts = packet.dts = self._frames
            packet.time_base, packet.duration = Fraction(1, FPS), 1
            self._frames += 1
        self._out.write(pictures, self._sound.until(self._frames) if self._sound else [])

    def finish(self) -> FilmAbout:
        """Write the end of the film. Raises `ModelError` if it has no stretch, and the errors of `add`."""
        if self._form is None:
            raise ModelError("a film without stretches")
        written = self._out.end(self._sound.until(self._frames, is_end=True) if self._sound else [])
        return FilmAbout(self._form.width, self._form.height, self._frames, written)

    def _begin(self, stretch: bytes) -> Form:
        like, form = self._open.enter_context(opened(stretch))
        if self._sound:
            self._sound.begin()
        self._out.begin(like)
        self._form, self._header = form, form.header
        return form

    def _fitting(self, stretch: bytes, form: Form) -> list[Any]:
        """The packets of a stretch, in the form of the film."""
        pictures, own = _packets(stretch)
        if (own.width, own.height) != (form.width, form.height):
            raise ModelError(f"it is {own.width}×{own.height}, but the film is {form.width}×{form.height}")
        if own != form and (again := fitted(stretch, form)) is not None:
            log.info("stretch %d: was made by another encoder than the first; encoded again to fit", self._stretches)
            pictures, own = _packets(again)
        if own.header != self._header:
            # No encoder here makes what fits, or such a stretch came before. Most players read a header here, too.
            log.warning("stretch %d: has a header of H.264 of its own; not every player shows it", self._stretches)
            pictures[0] = _with_sets(pictures[0], own.header)
            self._header = own.header
        return pictures


def _packets(stretch: bytes) -> tuple[list[Any], Form]:
    with opened(stretch) as (stream, form):
        packets = [packet for packet in stream.container.demux(stream) if packet.size]
    if not packets or not packets[0].is_keyframe:
        raise ModelError("it does not begin with a picture that needs no other")
    if any(packet.pts != packet.dts for packet in packets):
        raise ModelError("it has pictures that need later ones (B-frames)")
    return packets, form


def _with_sets(packet: Any, header: bytes) -> Any:
    """The packet with the sets of parameters before its picture."""
    changed = load("film").Packet(parameter_sets(header) + bytes(packet))
    changed.is_keyframe = True
    return changed
