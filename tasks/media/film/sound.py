"""Reads the sound of a file: any usual format and any number of channels, also the sound of a film.

A file is decoded a block at a time, so memory does not grow with its length. What is no sound, has none, is damaged
or too long is refused by one line. Only the file itself is opened: a playlist that names other files is no sound here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.errors import InvalidInput
from tasks.media.film.pyav import load

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LIMIT_S = 12 * 3600
"""Longer sounds are refused: at 25 frames a second this is a million frames."""

_FORMATS = (
    "aac,ac3,aiff,amr,ape,asf,au,avi,caf,dsf,eac3,flac,flv,matroska,mov,mp3,mpc,mpc8,mpeg,mpegts,nut,ogg,rm,tak,tta,"
    "voc,w64,wav,webm,wv,3gp,3g2,m4a,mp4"
)
"""The formats of FFmpeg that are read: none of them opens another file or an address."""

_TELL_THEIR_LENGTH = frozenset({"wav", "w64", "flac", "ogg", "aiff", "au", "caf", "mov", "wv", "tta"})
"""Formats whose files say how long they are. Others are estimated by FFmpeg, or may be cut anywhere."""

_UNKNOWN_BYTES = 0x7FFF_0000
"""A WAV that was written to a pipe names a size about this large, or larger, because its writer did not know it."""

MIXED_CHANNELS = 8
"""FFmpeg mixes this many channels as its layouts say; of more the mean is taken."""

_SHORT_S = 0.5
"""A file may end this much before the length that it names."""

_COUNTS_ITS_SAMPLES = frozenset({"flac", "ogg"})
"""Formats whose blocks say at which sample they stand. A gap beyond `_GAP_S` is a damage that FFmpeg jumped over."""

_GAP_S = 0.05

_TAG_BYTES = 2_000
"""What cannot be decoded and is this long, is no tag between two sounds but a damage."""

_CHECKS_ITSELF = frozenset({"flac"})
"""Codecs with a checksum in every frame, which FFmpeg verifies when it is asked to."""


@dataclass(frozen=True)
class SoundAbout:
    """`rate` samples a second, and the length that the file names, in seconds; 0.0 if it names none.

    The length is often estimated. How many samples there are is known when all blocks are read.
    """

    rate: int
    channels: int
    duration_s: float


def probe_sound(path: Path, name: str = "") -> SoundAbout:
    """What the sound of a file is; only its start is decoded. `name` is how errors call the file.

    Raises `InvalidInput` if it is no sound, has no audio, is empty, or is longer than `LIMIT_S`.
    """
    name = name or path.name
    with _opened(path, name) as source:
        for frame in source.frames():
            return SoundAbout(frame.sample_rate, frame.layout.nb_channels, source.named_s)
    raise InvalidInput(f"{name}: holds no sound: 0 samples")


def sound_blocks(path: Path, rate: int = 16_000, seconds: int = 20, name: str = "") -> Iterator[NDArray[np.int16]]:
    """The sound as mono int16 `[samples]` at `rate` Hz, in blocks of `seconds`; the last block may be shorter.

    A sound that is shorter than one sample at this rate is one sample of silence.
    Raises `InvalidInput` like `probe_sound`, and when it comes to a place where the file is damaged or cut off.
    """
    import numpy as np

    size = rate * seconds
    held: list[NDArray[np.int16]] = []
    count, is_empty = 0, True
    for samples in sound_samples(path, rate, 1, "s16p", name):
        held.append(samples[0])
        count += samples.shape[1]
        is_empty = is_empty and not count
        while count >= size:
            joined = np.concatenate(held)
            yield joined[:size].copy()
            held, count = [joined[size:]], count - size
    if is_empty:
        yield np.zeros(1, np.int16)
    elif count:
        yield np.concatenate(held)


def sound_samples(path: Path, rate: int, channels: int, format: str, name: str = "") -> Iterator[NDArray[Any]]:
    """The sound at `rate` Hz as arrays `[channels, n]`, mixed to `channels`, 1 or 2; `format` is s16p or fltp."""
    with _opened(path, name or path.name) as source:
        for frame in _converted(source.frames(), rate, channels, format):
            yield frame.to_ndarray()


@contextmanager
def _opened(path: Path, name: str) -> Iterator[_Source]:
    av = load("sound")
    if not path.is_file():
        raise InvalidInput(f"{name}: no such file")
    try:
        container = av.open(f"file:{path}", options={"format_whitelist": _FORMATS, "protocol_whitelist": "file"})
    except (av.FFmpegError, ValueError) as exc:
        raise InvalidInput(f"{name}: cannot be read as sound: it has another format, or is cut off") from exc
    with container:
        stream = container.streams.best("audio")
        if stream is None:
            raise InvalidInput(f"{name}: has no audio")
        yield _Source(container, stream, name)


class _Source:
    """An open file: its frames as they are decoded, and the length that it names."""

    def __init__(self, container: Any, stream: Any, name: str) -> None:
        self._container, self._stream, self._name = container, stream, name
        length = stream.duration * stream.time_base if stream.duration else (container.duration or 0) / 1_000_000
        self.named_s = float(length)
        self._first_s: float | None = None

    def frames(self) -> Iterator[Any]:
        """Decode all; raises `InvalidInput` for what is damaged, cut off, empty, or too long."""
        self._check_named_length()
        if self._stream.codec_context.name in _CHECKS_ITSELF:
            self._stream.codec_context.options = {"err_detect": "crccheck+explode"}
        done_s, bad = 0.0, 0
        for packet in self._packets():
            frames = self._decoded(packet)
            if frames is None:
                bad += 1 + packet.size // _TAG_BYTES
                continue
            # One small bad packet is forgiven: a tag where files were joined, or the last frame of a cut file.
            if bad > 1 and packet.size:
                raise self._damaged(done_s)
            bad = 0
            for frame in frames:
                self._check_gap(frame, done_s)
                self._check_numbers(frame, done_s)
                done_s += frame.samples / frame.sample_rate
                yield frame
            if done_s > LIMIT_S:
                raise self._too_long()
        self._check_end(done_s)

    def _packets(self) -> Iterator[Any]:
        av = load("sound")
        at_s = 0.0
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except av.FFmpegError as exc:
                raise self._damaged(at_s) from exc
            if packet.pts is not None:
                at_s = float(packet.pts * packet.time_base)
            yield packet

    def _decoded(self, packet: Any) -> list[Any] | None:
        try:
            return list(packet.decode())
        except load("sound").FFmpegError:
            return None

    def _check_named_length(self) -> None:
        if self._tells_its_length() and self.named_s > LIMIT_S:
            raise self._too_long()

    def _check_gap(self, frame: Any, done_s: float) -> None:
        if self._container.format.name not in _COUNTS_ITS_SAMPLES or frame.pts is None:
            return
        at_s = float(frame.pts * frame.time_base)
        if self._first_s is None:
            self._first_s = at_s
        if at_s - self._first_s - done_s > _GAP_S:
            raise self._damaged(done_s)

    def _check_numbers(self, frame: Any, done_s: float) -> None:
        """Only a file of floats can hold what is no number; as an integer it would be the loudest sample there is."""
        if self._stream.codec_context.name.startswith("pcm_f"):
            import numpy as np

            if not np.isfinite(frame.to_ndarray()).all():
                raise InvalidInput(f"{self._name}: holds NaN or infinity at {done_s:.1f} s")

    def _check_end(self, done_s: float) -> None:
        if not done_s:
            raise InvalidInput(f"{self._name}: holds no sound: 0 samples")
        if self._tells_its_length() and done_s + _SHORT_S < self.named_s:
            raise InvalidInput(f"{self._name}: is damaged: it ends after {done_s:.1f} of its {self.named_s:.1f} s")

    def _tells_its_length(self) -> bool:
        if not _TELL_THEIR_LENGTH.intersection(self._container.format.name.split(",")):
            return False
        return self.named_s * (self._stream.codec_context.bit_rate or 0) / 8 < _UNKNOWN_BYTES

    def _damaged(self, at_s: float) -> InvalidInput:
        return InvalidInput(f"{self._name}: is damaged at {at_s:.1f} s")

    def _too_long(self) -> InvalidInput:
        return InvalidInput(f"{self._name}: is longer than {LIMIT_S // 3600} hours")


def _converted(frames: Iterable[Any], rate: int, channels: int, format: str) -> Iterator[Any]:
    """The frames at another rate and number of channels. A file may change its own in the middle."""
    av = load("sound")
    layout = "mono" if channels == 1 else "stereo"
    resampler: Any = None
    form = None
    for frame in frames:
        frame = _known_layout(frame)
        now = (frame.format.name, frame.layout.name, frame.sample_rate)
        if now != form:
            if resampler is not None:
                yield from resampler.resample(None)
            resampler, form = av.AudioResampler(format=format, layout=layout, rate=rate), now
        yield from resampler.resample(frame)
    if resampler is not None:
        yield from resampler.resample(None)


def _known_layout(frame: Any) -> Any:
    """The frame itself, or, if its many channels have no layout that can be mixed, their mean as one channel."""
    av = load("sound")
    channels = frame.layout.nb_channels
    if channels <= MIXED_CHANNELS:
        return frame
    samples = frame.to_ndarray()
    if not frame.format.is_planar:
        samples = samples.reshape(-1, channels).T
    mean = samples.mean(axis=0, keepdims=True).astype(samples.dtype)
    mixed = av.AudioFrame.from_ndarray(mean, format=frame.format.planar.name, layout="mono")
    mixed.sample_rate = frame.sample_rate
    return mixed
