"""Saves audio artifacts as files in the requested format; a file is whole or does not exist.

A file that has the same sound already is not written again, so a reading that is started
again writes only missing files. Computes no audio and needs no worker.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.errors import InvalidInput, StoreError
from tasks.media import audio as sound
from tasks.messages import Audio
from tasks.store.scratch import scratch_folder

if TYPE_CHECKING:
    from tasks.store.artifacts import Store

BLOCK_FRAMES = 65536


def format_of(path: Path, format: str | None) -> str:
    """The requested format, else the one of the path's suffix; raises `InvalidInput`."""
    chosen = (format or path.suffix.removeprefix(".") or "wav").lower()
    if chosen not in sound.FORMATS:
        raise InvalidInput(f"format: {chosen!r} is not written here; it may be {', '.join(sound.FORMATS)}")
    return chosen


def write_audio(store: Store, audio: Audio, target: Path, format: str) -> bool:
    """Write an audio artifact to `target`; False if `target` has the same sound already.

    Raises `ArtifactMissing` if it is not in the store, `StoreError` if the file cannot be written.
    """
    if _is_there(store, audio, target, format):
        return False
    if format == "wav":  # the same bytes as in the store
        store.fetch(audio.artifact, target)
        return True
    with scratch_folder() as folder:
        wav = folder / "whole.wav"
        store.fetch(audio.artifact, wav)
        sound.convert(wav, target, format)
    return True


def _is_there(store: Store, audio: Audio, target: Path, format: str) -> bool:
    if not target.is_file():
        return False
    artifact = store.find(audio.artifact)
    if artifact is None:
        return False
    if format == "wav":
        return target.stat().st_size == artifact.bytes and _sha256(target) == artifact.sha256
    try:
        if sound.probe(target) != (audio.sample_rate, audio.frames, 1):
            return False
    except StoreError:
        return False
    with scratch_folder() as folder:
        wav = folder / "whole.wav"
        store.fetch(audio.artifact, wav)
        return _same_sound(wav, target)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _same_sound(one: Path, other: Path) -> bool:
    """Whether two lossless files of equal length have the same 16-bit samples."""
    import soundfile

    try:
        with soundfile.SoundFile(one) as left, soundfile.SoundFile(other) as right:
            while len(block := left.read(BLOCK_FRAMES, dtype="int16")):
                if not (block == right.read(BLOCK_FRAMES, dtype="int16")).all():
                    return False
    except soundfile.SoundFileError:
        return False
    return True
