"""Joins ordered pieces of audio to one file, with silence between them.

Only one second of sound is in memory at a time. The output is complete or does not exist,
and its header is right beyond 4 GiB too (RF64). No sample is changed: all pieces must be
16-bit mono with the same sample rate. The caller decides about order and pauses.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias

from tasks.errors import ArtifactMissing, ModelError, NothingToSpeak, StoreError
from tasks.media.wav import SAMPLE_BYTES, wav_header
from tasks.store.artifacts import JSON, Artifact, Store, name_of
from tasks.store.atomic import whole_file
from tasks.store.scratch import scratch_folder

if TYPE_CHECKING:
    import soundfile

VERSION = "1"
"""An ingredient of the names of joined files: raise it when the same parts would give another file."""

Open: TypeAlias = Callable[[], BinaryIO]
"""Opens a piece: a whole, verified, seekable audio file, at its start. The reader closes it."""


def assemble(pieces: Iterable[tuple[Open, float]], target: Path) -> tuple[int, int]:
    """Join pieces, each with the pause before it in seconds, to a WAV; returns its sample rate in Hz and its frames.

    The pause before the first piece is left out. Errors name a piece by its number from 1.
    Raises `ArtifactMissing` if a piece cannot be opened or is not audio, `ModelError` if it
    does not fit the others, `StoreError` if the target cannot be written, and
    `NothingToSpeak` if there are no pieces.
    """
    rate, frames = 0, 0
    try:
        with whole_file(target) as draft, draft.open("wb") as out:
            for number, (open_piece, pause_before_s) in enumerate(pieces, 1):
                with _opened(number, open_piece) as file, _decoded(number, file) as piece:
                    _check_fits(number, piece, rate)
                    if not rate:
                        rate = piece.samplerate
                        out.write(wav_header(0, rate, growing=True))
                    else:
                        frames += _write_silence(out, round(pause_before_s * rate), rate)
                    frames += _copy(number, piece, out)
            if not rate:
                raise NothingToSpeak("there is no audio to join")
            out.seek(0)
            out.write(wav_header(frames, rate, growing=True))
    except OSError as exc:
        raise StoreError(f"{target}: cannot be written: {exc.strerror or exc}") from exc
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

    try:
        return soundfile.SoundFile(file)
    except soundfile.LibsndfileError as exc:
        raise ArtifactMissing(f"part {number}: is not audio ({exc.error_string.rstrip('.')})") from exc


def _check_fits(number: int, piece: Any, rate: int) -> None:
    if piece.channels != 1 or piece.subtype != "PCM_16":
        raise ModelError(f"part {number}: has {piece.channels} channels of {piece.subtype}; only mono PCM_16 is joined")
    if rate and piece.samplerate != rate:
        raise ModelError(f"part {number}: has {piece.samplerate} Hz, but the parts before it have {rate} Hz")


def _write_silence(out: BinaryIO, frames: int, block_frames: int) -> int:
    for start in range(0, frames, block_frames):
        out.write(bytes(SAMPLE_BYTES * min(block_frames, frames - start)))
    return frames


def _copy(number: int, piece: Any, out: BinaryIO) -> int:
    """Write a piece's samples, a second at a time; returns how many there were."""
    frames = 0
    for block in piece.blocks(blocksize=piece.samplerate, dtype="int16"):
        out.write(block.astype("<i2", copy=False).data)
        frames += len(block)
    if frames != piece.frames:
        raise ArtifactMissing(f"part {number}: ends after {frames} of its {piece.frames} samples")
    return frames


@dataclass(frozen=True)
class PartAudio:
    """A part's audio in the store, and the silence before it in seconds."""

    name: str
    pause_before_s: float


def assemble_to_store(store: Store, parts: Sequence[PartAudio]) -> Artifact:
    """Join parts to one artifact (details: `sample_rate`, `frames`), named by the parts' digests and pauses.

    If the artifact exists already, nothing is read. Each part is verified while it is read.
    Raises the errors of `assemble`. `ArtifactMissing` names the first part that is missing or
    damaged; from then on `store.find` returns None for that part.
    """
    name = name_of("chapter", "wav", {"assembler": VERSION, "parts": _ingredients(store, parts)})
    if (found := store.find(name)) is not None:
        return found
    with scratch_folder() as folder:
        part_file, joined = folder / "part", folder / "joined.wav"
        pieces = ((functools.partial(_fetch, store, part.name, part_file), part.pause_before_s) for part in parts)
        rate, frames = assemble(pieces, joined)
        return store.put_file(name, joined, {"sample_rate": rate, "frames": frames})


def _ingredients(store: Store, parts: Sequence[PartAudio]) -> list[JSON]:
    """Digest and pause of every part; the first part's pause counts as 0, because it is left out."""
    found: list[JSON] = []
    for number, part in enumerate(parts, 1):
        artifact = store.find(part.name)
        if artifact is None:
            raise ArtifactMissing(f"part {number}: artifact {part.name} is not in {store.place}")
        found.append([artifact.sha256, float(part.pause_before_s) if found else 0.0])
    return found


def _fetch(store: Store, name: str, target: Path) -> BinaryIO:
    """The part, verified and copied to a file, which the next part overwrites."""
    store.fetch(name, target)
    return target.open("rb")
