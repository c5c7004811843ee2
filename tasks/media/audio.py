"""Audio files: reads their format, measures their levels, converts them to another format.

It joins nothing (`tasks/media/assemble.py`) and keeps nothing (`tasks/store/artifacts.py`).
Files of any length are read and written in blocks of one second. numpy and soundfile are
imported inside functions, so that a producer need not load them.
"""

from __future__ import annotations

import contextlib
import io
import math
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.errors import InvalidInput, StoreError
from tasks.media.wav import FULL_SCALE, encode_wav
from tasks.store.atomic import whole_file

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["FORMATS", "Levels", "convert", "encode_wav", "measure", "probe"]

SILENCE_DB = -50.0
"""Sound below this level, relative to full scale, counts as silence."""

NO_SOUND_DB = -120.0
"""The level reported for digital silence: its real level is minus infinity, which JSON cannot express."""

PCM_16 = "PCM_16"

_SOON_FULL_BYTES = 1024 * 1024


def probe(audio: Path | bytes) -> tuple[int, int, int]:
    """(sample rate in Hz, frames, channels) of a file, or of bytes; raises `StoreError` if it is not audio."""
    with _reading(audio) as source:
        return source.samplerate, source.frames, source.channels


@dataclass(frozen=True)
class Levels:
    """Levels of an audio file. A `peak` of 1.0 is full scale; `rms_db` is relative to it, at least −120."""

    duration_s: float
    peak: float
    rms_db: float
    silence_head_s: float
    silence_tail_s: float
    clipped: int
    """Number of samples at full scale directly after two others at full scale: a single peak is not clipped."""


def measure(path: Path) -> Levels:
    """The levels of a mono file; raises `StoreError` if it is not mono audio."""
    meter = _Meter()
    with _reading(path) as source:
        if source.channels != 1:
            raise StoreError(f"{path}: has {source.channels} channels; only mono is measured")
        for block in source.blocks(blocksize=source.samplerate, dtype="float64"):
            meter.add(block)
        return meter.levels(source.samplerate)


class _Meter:
    """Adds up levels, block by block."""

    def __init__(self) -> None:
        self._frames = 0
        self._peak = 0.0
        self._squares = 0.0
        self._clipped = 0
        self._first_loud: int | None = None
        self._last_loud = -1
        self._full_before: list[bool] = []

    def add(self, block: NDArray[np.float64]) -> None:
        """Add samples [n] in −1..1."""
        import numpy as np

        level = np.abs(block)
        self._peak = max(self._peak, float(level.max(initial=0.0)))
        self._squares += float(np.dot(block, block))
        full = np.concatenate((np.array(self._full_before, dtype=bool), level >= FULL_SCALE / (FULL_SCALE + 1)))
        self._clipped += int(np.count_nonzero(full[2:] & full[1:-1] & full[:-2]))
        self._full_before = full[-2:].tolist()
        loud = np.flatnonzero(level > 10 ** (SILENCE_DB / 20))
        if len(loud):
            if self._first_loud is None:
                self._first_loud = self._frames + int(loud[0])
            self._last_loud = self._frames + int(loud[-1])
        self._frames += len(block)

    def levels(self, sample_rate: int) -> Levels:
        """The levels of all samples so far, at `sample_rate` Hz."""
        mean = self._squares / self._frames if self._frames else 0.0
        head = self._frames if self._first_loud is None else self._first_loud
        return Levels(
            duration_s=self._frames / sample_rate,
            peak=self._peak,
            rms_db=max(10 * math.log10(mean), NO_SOUND_DB) if mean else NO_SOUND_DB,
            silence_head_s=head / sample_rate,
            silence_tail_s=(self._frames - 1 - self._last_loud) / sample_rate,
            clipped=self._clipped,
        )


def convert(source_wav: Path, target: Path, format: str, title: str = "") -> None:
    """Write `source_wav`, 16 bits, to `target` in one of `FORMATS`; `target` is complete or unchanged.

    Raises `InvalidInput` for another format, `StoreError` if the source is not audio or
    the target cannot be written.
    """
    if format not in _WRITERS:
        raise InvalidInput(f"format: {format!r} is unknown; use one of {', '.join(FORMATS)}")
    try:
        with _reading(source_wav) as source, whole_file(target) as draft:
            if source.subtype != PCM_16:  # floats read as int16 would become silence
                raise StoreError(f"{source_wav}: holds {source.subtype} samples; only {PCM_16} is converted")
            _WRITERS[format](source, draft, title)
    except OSError as exc:
        raise StoreError(f"{target}: cannot be written: {exc.strerror or exc}") from exc


def _write_wav(source: Any, target: Path, title: str) -> None:
    # A size above 4 GiB does not fit into a RIFF header.
    _write_sndfile(source, target, title, "RF64" if source.frames * source.channels * 2 > 0xFFFF_0000 else "WAV")


def _write_flac(source: Any, target: Path, title: str) -> None:
    _write_sndfile(source, target, title, "FLAC")


_WRITERS: Mapping[str, Callable[[Any, Path, str], None]] = {"wav": _write_wav, "flac": _write_flac}
"""Format (also the file extension) -> function that writes an open source to a path, with a title."""

FORMATS = tuple(_WRITERS)


def _write_sndfile(source: Any, target: Path, title: str, container: str) -> None:
    import soundfile

    rate, channels = source.samplerate, source.channels
    try:
        with soundfile.SoundFile(target, "w", rate, channels, PCM_16, format=container) as out:
            if title:
                out.title = title
            for block in source.blocks(blocksize=rate, dtype="int16"):
                out.write(block)
    except soundfile.LibsndfileError as exc:
        # For a full disk libsndfile only says «System error».
        full = shutil.disk_usage(target.parent).free < _SOON_FULL_BYTES
        raise OSError(0, "no space left on the device" if full else exc.error_string) from exc


@contextlib.contextmanager
def _reading(audio: Path | bytes) -> Iterator[Any]:
    """The audio opened by soundfile; raises `StoreError` if it cannot be."""
    import soundfile

    shown = f"{len(audio)} bytes" if isinstance(audio, bytes) else str(audio)
    if isinstance(audio, Path) and not audio.is_file():  # libsndfile would only say «System error»
        raise StoreError(f"{shown}: no such file")
    try:
        source = soundfile.SoundFile(io.BytesIO(audio) if isinstance(audio, bytes) else audio)
    except soundfile.LibsndfileError as exc:
        raise StoreError(f"{shown}: cannot be read as audio ({exc.error_string.rstrip('.')})") from exc
    with source:
        yield source
