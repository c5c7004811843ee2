"""Audio and summaries on the listener's disk: names that every file system takes, files complete or not at all.

A file that holds the same sound already is left alone, so a reading that is started again
writes only what it lacks. Computes no audio and asks no worker.
"""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from producer.results import typed
from tasks.errors import InvalidInput, StoreError
from tasks.media import audio as sound
from tasks.messages import (
    Audio,
    BookResult,
    ChapterResult,
    MapResult,
    ParagraphResult,
    SummariesResult,
    SummaryResult,
    TextSummaryResult,
)
from tasks.store.atomic import whole_file

if TYPE_CHECKING:
    from producer.results import Result
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
    """Write what a job made: one file, or, for a book or many inputs, one for each in the folder `path`; the files."""
    match result:
        case ParagraphResult() | ChapterResult():
            return [_save_audio(store, result.audio, path, format)]
        case SummaryResult() | TextSummaryResult():
            return [write_text(result.text, path, format)]
        case BookResult():
            return _save_many(store, [(one.title, one) for one in result.chapters], path, format)
        case SummariesResult():
            return _save_many(store, [(one.title if one else "", one) for one in result.summaries], path, format)
        case MapResult():
            return _save_many(store, [("", one) for one in inputs_of(store, result)], path, format)


def inputs_of(store: Store, result: MapResult) -> list[ParagraphResult | SummaryResult | None]:
    """Each input's result, wherever the list lies; None for one that failed. Raises `ArtifactMissing`."""
    listed = result.results if result.results is not None else json.loads(store.read_text(str(result.results_ref)))
    return [None if one is None else cast("ParagraphResult | SummaryResult", typed(one)) for one in listed]


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


def _save_audio(store: Store, audio: Audio | None, path: Path, format: str | None) -> Path:
    if audio is None:
        raise InvalidInput("text: nothing in it can be spoken, so there is no audio to save")
    chosen = format_of(path, format)
    make_folder(path.parent)
    write(store, audio, path, chosen)
    return path


def _save_many(store: Store, made: Sequence[tuple[str, Result | None]], folder: Path, format: str | None) -> list[Path]:
    """Numbered files, of those that have something to write."""
    chosen = format_of(Path("x.wav"), None if format == "txt" else format)
    make_folder(folder)
    written = []
    for number, (title, one) in enumerate(made, 1):
        if isinstance(one, (SummaryResult, TextSummaryResult)):
            name = chapter_name(number, title, len(made), "txt")
            written.append(write_text(one.text, folder / name))
        elif isinstance(one, (ParagraphResult, ChapterResult)) and one.audio:
            name = chapter_name(number, title, len(made), chosen)
            written.append(_save_audio(store, one.audio, folder / name, chosen))
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
