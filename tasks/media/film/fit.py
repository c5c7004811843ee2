"""Makes a stretch of film fit others that it is joined with: pictures of H.264 with one header for all.

Stretches of one size from one encoder fit as they are. One that another encoder made, or the same with another preset,
is encoded again, once, by an encoder that makes the header of the others.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tasks.errors import MissingExtra, ModelError
from tasks.media.encoding import PRESETS, Encoding
from tasks.media.film.encode import encode_frames, encode_stretch
from tasks.media.film.encoders import BEST_FIRST, FPS
from tasks.media.film.pyav import load

_AGAIN_CRF = 18
"""The quality of what is encoded a second time: a little better than usual, so that little is lost."""

LENGTH_BYTES = 4
"""Before each part of a picture in mp4 stands its length."""


@dataclass(frozen=True)
class Form:
    """What all stretches of a film have in common: `header` is that of their H.264, in the form of mp4 (avcC)."""

    width: int
    height: int
    header: bytes


@contextmanager
def opened(stretch: bytes) -> Iterator[tuple[Any, Form]]:
    """The stream of pictures of a stretch, and its form; raises `ModelError` if it is no stretch of film."""
    av = load("film")
    try:
        with av.open(io.BytesIO(stretch), format="mp4") as container:
            stream = container.streams.video[0]
            if stream.codec_context.name != "h264" or stream.average_rate != FPS:
                raise ModelError(f"it is {stream.codec_context.name} at {stream.average_rate} frames a second")
            context = stream.codec_context
            yield stream, Form(context.width, context.height, bytes(context.extradata or b""))
    except (av.FFmpegError, IndexError) as exc:
        raise ModelError("it is not a film in mp4") from exc


def fitted(stretch: bytes, form: Form) -> bytes | None:
    """The stretch encoded again in the form of others; None if no encoder here makes that form."""
    encoding = _encoding_of(form)
    return encode_frames(_pictures(stretch), encoding).data if encoding else None


def _pictures(stretch: bytes) -> Iterator[Any]:
    with opened(stretch) as (stream, _):
        yield from stream.container.decode(stream)


@functools.lru_cache(maxsize=8)
def _encoding_of(form: Form) -> Encoding | None:
    import numpy as np

    black = np.zeros((form.height, form.width, 3), np.uint8)
    for encoder in BEST_FIRST:
        for preset in PRESETS if encoder == "libx264" else PRESETS[:1]:
            encoding = Encoding(encoder, preset, _AGAIN_CRF)
            try:
                made = encode_stretch([black], encoding).data
            except (MissingExtra, ModelError):
                break  # it does not work here
            with opened(made) as (_, its_form):
                if its_form == form:
                    return encoding
    return None


def parameter_sets(header: bytes) -> bytes:
    """The sets of parameters (SPS and PPS) of a header, as they stand in a picture; without its extensions."""
    sets, at = b"", 5
    for mask in (0x1F, 0xFF):
        count = header[at] & mask
        at += 1
        for _ in range(count):
            size = int.from_bytes(header[at : at + 2], "big")
            sets += size.to_bytes(LENGTH_BYTES, "big") + header[at + 2 : at + 2 + size]
            at += 2 + size
    return sets
