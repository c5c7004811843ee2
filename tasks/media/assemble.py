"""Joins ordered pieces of audio to one file, with silence between them.

Samples are copied as they are, a block at a time: all pieces must be 16-bit mono with the same sample rate. A piece
that is no plain WAV is decoded for that. The output's header is right beyond 4 GiB too (RF64). The caller decides
about order and pauses, and keeps the output (`tasks/media/assemble_parts.py`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, TypeAlias

from tasks.errors import ArtifactMissing, ModelError, NothingToSpeak, StoreError
from tasks.media.wav import SAMPLE_BYTES, plain_samples, wav_header

if TYPE_CHECKING:
    import soundfile

BLOCK_BYTES = 1024 * 1024

Open: TypeAlias = Callable[[], BinaryIO]
"""Opens a piece: a whole, verified, seekable audio file, at its start. The reader closes it."""

Placed: TypeAlias = Callable[[int, int, int], object]
"""Is told of each piece, in order, how many frames of the output stand before it, how many are its own, and their rate
in Hz."""


class Output(Protocol):
    """Where the joined sound is written."""

    def write(self, data: bytes) -> object:
        """Append."""

    def replace_start(self, data: bytes) -> object:
        """Replace the first bytes."""


def assemble(
    pieces: Iterable[tuple[Open, float]], out: Output, expected_frames: int = 0, placed: Placed = lambda *_: None
) -> tuple[int, int]:
    """Write pieces, each with the pause before it in seconds, as a WAV; returns its sample rate in Hz and its frames.

    The pause before the first piece is left out. The header is written first, for `expected_frames`, and replaced at
    the end if there were others. Errors name a piece by its number from 1. Raises `ArtifactMissing` if a piece cannot
    be opened or is not audio, `ModelError` if it does not fit the others, `NothingToSpeak` if there are no pieces,
    and the errors of `out`.
    """
    rate, frames = 0, 0
    for number, (open_piece, pause_before_s) in enumerate(pieces, 1):
        with _opened(number, open_piece) as file:
            plain = plain_samples(file)
            piece = None if plain else _decoded(number, file)
            piece_rate = plain[0] if plain else _rate_of(number, piece)
            if rate and piece_rate != rate:
                raise ModelError(f"part {number}: has {piece_rate} Hz, but the parts before it have {rate} Hz")
            if not rate:
                rate = piece_rate
                out.write(wav_header(expected_frames, rate, growing=True))
            else:
                frames += _write_silence(out, round(pause_before_s * rate), rate)
            own = _copy(file, plain[1], out) if plain else _decode(number, piece, out)
            placed(frames, own, rate)
            frames += own
    if not rate:
        raise NothingToSpeak("there is no audio to join")
    if frames != expected_frames:
        out.replace_start(wav_header(frames, rate, growing=True))
    return rate, frames


def _opened(number: int, open_piece: Open) -> BinaryIO:
    try:
        return open_piece()
    except FileNotFoundError as exc:
        raise ArtifactMissing(f"part {number}: {exc.filename or 'its audio'} is missing") from exc
    except ArtifactMissing as exc:
        raise ArtifactMissing(f"part {number}: {exc}") from exc
    except OSError as exc:
        raise StoreError(f"part {number}: cannot be opened: {exc.strerror or exc}") from exc


def _decoded(number: int, file: BinaryIO) -> soundfile.SoundFile:
    import soundfile

    file.seek(0)
    try:
        return soundfile.SoundFile(file)
    except soundfile.LibsndfileError as exc:
        raise ArtifactMissing(f"part {number}: is not audio ({exc.error_string.rstrip('.')})") from exc


def _rate_of(number: int, piece: Any) -> int:
    if piece.channels != 1 or piece.subtype != "PCM_16":
        raise ModelError(f"part {number}: has {piece.channels} channels of {piece.subtype}; only mono PCM_16 is joined")
    return int(piece.samplerate)


def _write_silence(out: Output, frames: int, block_frames: int) -> int:
    for start in range(0, frames, block_frames):
        out.write(_silence(min(block_frames, frames - start)))
    return frames


@functools.lru_cache(maxsize=8)
def _silence(frames: int) -> bytes:
    return bytes(SAMPLE_BYTES * frames)


def _copy(file: BinaryIO, size: int, out: Output) -> int:
    """Write the samples at which a plain WAV stands; returns how many there were."""
    left = size
    while left and (block := file.read(min(left, BLOCK_BYTES))):
        out.write(block)
        left -= len(block)
    return (size - left) // SAMPLE_BYTES


def _decode(number: int, piece: Any, out: Output) -> int:
    """Write a piece's samples, a second at a time; returns how many there were."""
    frames = 0
    with piece:
        for block in piece.blocks(blocksize=piece.samplerate, dtype="int16"):
            out.write(block.astype("<i2", copy=False).tobytes())
            frames += len(block)
        if frames != piece.frames:
            raise ArtifactMissing(f"part {number}: ends after {frames} of its {piece.frames} samples")
    return frames
