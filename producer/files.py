"""Audio and summaries on the listener's disk: names that every file system takes, files complete or not at all.

A file that holds the same sound already is left alone, so a reading that is started again
writes only what it lacks. Computes no audio and asks no worker.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.errors import InvalidInput, StoreError
from tasks.media import audio as sound
from tasks.messages import Audio, Result, ResultFile, StoredFile
from tasks.store.atomic import whole_file

if TYPE_CHECKING:
    from tasks.messages.files import Content
    from tasks.store.artifacts import Store

NAME_BYTES = 150
"""Longest title in a file's name; most file systems take 255 bytes, and number and ending come on top."""

BLOCK_FRAMES = 65536

_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]+')
_WINDOWS_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def safe_name(title: str, fallback: str = "untitled") -> str:
    """A title as a file's name that Linux, macOS and Windows take; `fallback` where nothing of it is left."""
    name = _FORBIDDEN.sub(" ", unicodedata.normalize("NFC", title))
    name = " ".join(name.split())
    name = name.encode()[:NAME_BYTES].decode(errors="ignore").strip(" .")
    if _WINDOWS_DEVICES.fullmatch(name):
        name = f"_{name}"
    return name or fallback


def chapter_name(number: int, title: str, last: int, format: str) -> str:
    """`01 - Title.wav`; `last` is the highest number in the book, so that names sort in order."""
    digits = max(2, len(str(last)))
    name = safe_name(title, "")
    return f"{number:0{digits}d} - {name}.{format}" if name else f"{number:0{digits}d}.{format}"


def format_of(path: Path, format: str | None) -> str:
    """The format asked for, else the one that the path's ending names; raises `InvalidInput`."""
    chosen = (format or path.suffix.removeprefix(".") or "wav").lower()
    if chosen not in sound.FORMATS:
        raise InvalidInput(f"format: {chosen!r} is not written here; it may be {', '.join(sound.FORMATS)}")
    return chosen


def make_folder(folder: Path) -> None:
    """Make a folder for output; raises `InvalidInput` that names it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise InvalidInput(f"-o: folder {folder} cannot be made ({exc.strerror}); name another") from exc


def write(store: Store, audio: Audio, target: Path, format: str) -> bool:
    """Write an audio artifact to `target`; False when the same sound is there already.

    Raises `ArtifactMissing` when the store has lost it, `StoreError` when the disk does not take it.
    """
    if _is_there(store, audio, target, format):
        return False
    if format == "wav":  # what the store holds, byte for byte
        store.fetch(audio.artifact, target)
        return True
    with tempfile.TemporaryDirectory(prefix="slotline-") as folder:
        wav = Path(folder) / "whole.wav"
        store.fetch(audio.artifact, wav)
        sound.convert(wav, target, format)
    return True


def save(store: Store, result: Result, path: Path, format: str | None) -> list[Path]:
    """Write what a job made: one file, or, for what is many, one for each in the folder `path`; the files."""
    files = result.files(store.read_text)
    if result.is_folder:
        return _save_many(store, files, path, format)
    return [_save_one(store, one.content, path, format) for one in files if one]


def write_text(text: str, path: Path, format: str | None = None) -> Path:
    """Write a summary to a file of UTF-8, complete or not at all; raises `InvalidInput` for another format."""
    if format not in (None, "txt"):
        raise InvalidInput(f"format: {format!r} is not written for a text; it may be txt")
    make_folder(path.parent)
    data = text.rstrip().encode() + b"\n"
    try:
        if not path.is_file() or path.read_bytes() != data:
            with whole_file(path) as part:
                part.write_bytes(data)
    except OSError as exc:
        raise StoreError(f"{path} cannot be written: {exc.strerror}") from exc
    return path


def _save_one(store: Store, content: Content, path: Path, format: str | None) -> Path:
    if isinstance(content, str):
        return write_text(content, path, format)
    if isinstance(content, StoredFile):
        return _fetch(store, content, path, format)
    chosen = format_of(path, format)
    make_folder(path.parent)
    write(store, content, path, chosen)
    return path


def _fetch(store: Store, file: StoredFile, path: Path, format: str | None) -> Path:
    if format not in (None, file.extension):
        raise InvalidInput(f"format: {format!r} is not written for this; it may be {file.extension}")
    make_folder(path.parent)
    store.fetch(file.artifact, path)
    return path


def _save_many(store: Store, files: Sequence[ResultFile | None], folder: Path, format: str | None) -> list[Path]:
    """Numbered files, of those that have something to write. `format` is that of the audio among them."""
    chosen = format_of(Path("x.wav"), None if format == "txt" else format)
    make_folder(folder)
    written = []
    for number, one in enumerate(files, 1):
        if one is None:
            continue
        match one.content:
            case str():
                ending = "txt"
            case StoredFile(extension=extension):
                ending = extension
            case Audio():
                ending = chosen
        name = chapter_name(number, one.title, len(files), ending)
        written.append(_save_one(store, one.content, folder / name, ending))
    return written


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
    with tempfile.TemporaryDirectory(prefix="slotline-") as folder:
        wav = Path(folder) / "whole.wav"
        store.fetch(audio.artifact, wav)
        return _same_sound(wav, target)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _same_sound(one: Path, other: Path) -> bool:
    """Whether two lossless files of equal length hold the same 16-bit samples."""
    import soundfile

    try:
        with soundfile.SoundFile(one) as left, soundfile.SoundFile(other) as right:
            while len(block := left.read(BLOCK_FRAMES, dtype="int16")):
                if not (block == right.read(BLOCK_FRAMES, dtype="int16")).all():
                    return False
    except soundfile.SoundFileError:
        return False
    return True
