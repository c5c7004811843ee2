"""Chooses the encoder of H.264: the one that was asked for, or the best one that works on this machine.

An encoder works if it really encodes a picture here: a wheel of PyAV names encoders of graphics cards that are not
there. Encodes no film (`tasks/media/film/encode.py`).
"""

from __future__ import annotations

import functools
from fractions import Fraction
from typing import Any

from tasks.errors import MissingExtra
from tasks.media.encoding import Encoding
from tasks.media.film.pyav import INSTALL, load

FPS = 25
BT_709 = 1
"""The number of BT.709 in H.264: its colours, its curve, and how they become luma and chroma."""

BEST_FIRST = ("libx264", "libopenh264", "h264_nvenc", "h264_qsv", "h264_amf", "h264_videotoolbox", "h264_mf")
"""FFmpeg's encoders of H.264: those that need no graphics card first, so that all workers take the same one."""

ROUNDED = 0x2 | 0x4000 | 0x40000
"""How FFmpeg converts colours (bilinear, full chroma input, accurate rounding): by default it makes pictures darker."""

_LIMITED = 1
"""Luma from 16 to 235, as all film has it."""

_BITS_PER_PIXEL, _CRF_OF_THESE = 0.1, 23

_TRIAL_SIDE = 256
"""Encoders of graphics cards refuse smaller pictures."""


@functools.cache
def encoder_of(wanted: str = "auto") -> str:
    """The name of the encoder that `wanted` means here: a name of FFmpeg, or `auto`.

    Raises `MissingExtra`, which names what was looked for, if it does not work here, or if PyAV is not installed.
    """
    load("film")
    if wanted != "auto":
        if reason := _fault(wanted):
            raise MissingExtra(f"encoder: {wanted!r} {reason}; use 'auto', or another of {', '.join(BEST_FIRST)}")
        return wanted
    for name in BEST_FIRST:
        if _fault(name) is None:
            return name
    raise MissingExtra(f"encoder: none of H.264 works here, looked for {', '.join(BEST_FIRST)}; run: {INSTALL}")


def configure(context: Any, width: int, height: int, encoding: Encoding) -> None:
    """Set up an encoder that is not open yet: yuv420p in BT.709, 25 a second, no picture that needs a later one.

    With one thread the result is the same bits each time, and stretches that are encoded at once share the cores.
    x264 is told to write a header that does not depend on the quality, so that stretches can be joined. Encoders
    that have no `crf` get a bit rate that is about as good.
    """
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.time_base, context.framerate = Fraction(1, FPS), Fraction(FPS)
    context.max_b_frames, context.thread_count = 0, 1
    context.colorspace = context.color_primaries = context.color_trc = BT_709
    context.color_range = _LIMITED
    if context.name == "libx264":
        context.options = {"preset": encoding.preset, "crf": str(encoding.crf), "x264-params": "stitchable=1"}
    else:
        context.bit_rate = round(width * height * FPS * _BITS_PER_PIXEL * 2 ** ((_CRF_OF_THESE - encoding.crf) / 6))


def _fault(name: str) -> str | None:
    """Why the encoder cannot be used here; None if it can."""
    av = load("film")
    try:
        codec = av.codec.Codec(name, "w")
    except av.codec.codec.UnknownCodecError:
        return f"is not an encoder of the installed PyAV {av.__version__}"
    if codec.id != av.codec.Codec("h264", "r").id:
        return "makes no H.264"
    context = av.CodecContext.create(codec)
    configure(context, _TRIAL_SIDE, _TRIAL_SIDE, Encoding())
    try:
        packets = [*context.encode(_grey(av)), *context.encode(None)]
    except av.FFmpegError as exc:
        return f"does not work on this machine ({exc.strerror})"
    return None if packets else "makes nothing on this machine"


def _grey(av: Any) -> Any:
    frame = av.VideoFrame(_TRIAL_SIDE, _TRIAL_SIDE, "yuv420p")
    for plane in frame.planes:
        plane.update(bytes([128]) * plane.buffer_size)
    frame.pts = 0
    return frame
