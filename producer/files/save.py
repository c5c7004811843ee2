"""Saves a result: audio, texts, films, pictures and other artifacts; a file is whole or does not exist.

A result itself lists its files (`Result.files`); this file names and writes them. Computes
nothing and needs no worker.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from producer.files.audio import format_of, write_audio
from producer.files.names import numbered_name
from producer.files.pictures import unpack
from tasks.errors import InvalidInput, StoreError
from tasks.messages import Archive, Audio, Result, ResultFile, StoredFile
from tasks.store.atomic import whole_file

if TYPE_CHECKING:
    from tasks.messages.files import Content
    from tasks.store.artifacts import Store


def make_folder(folder: Path) -> None:
    """Make a folder for output; raises `InvalidInput` with its name."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise InvalidInput(f"-o: folder {folder} cannot be made ({exc.strerror}); name another") from exc


def save(store: Store, result: Result, path: Path, format: str | None) -> list[Path]:
    """Write a result to the file `path`, or its files to the folder `path`; returns the files."""
    files = result.files(store.read_text)
    if result.is_folder:
        return _save_many(store, files, path, format)
    return [file for one in files if one for file in _save_one(store, one.content, path, format)]


def write_text(text: str, path: Path, format: str | None = None) -> Path:
    """Write a text to a file in UTF-8, whole or not at all; raises `InvalidInput` for another format."""
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


def _save_one(store: Store, content: Content, path: Path, format: str | None) -> list[Path]:
    match content:
        case str():
            return [write_text(content, path, format)]
        case StoredFile():
            return [_fetch(store, content, path, format)]
        case Archive():
            _check_format(format, content.extension)
            make_folder(path)
            return unpack(store, content.artifact, path)
        case Audio():
            return [_save_audio(store, content, path, format)]


def _save_audio(store: Store, audio: Audio, path: Path, format: str | None) -> Path:
    chosen = format_of(path, format)
    make_folder(path.parent)
    write_audio(store, audio, path, chosen)
    return path


def _fetch(store: Store, file: StoredFile, path: Path, format: str | None) -> Path:
    _check_format(format, file.extension)
    make_folder(path.parent)
    store.fetch(file.artifact, path)
    return path


def _check_format(format: str | None, own: str) -> None:
    if format not in (None, own):
        raise InvalidInput(f"format: {format!r} is not written for this; it may be {own}")


def _save_many(store: Store, files: Sequence[ResultFile | None], folder: Path, format: str | None) -> list[Path]:
    """Numbered files, of those that have something to write. `format` is that of the audio among them."""
    chosen = format_of(Path("x.wav"), None if format == "txt" else format)
    make_folder(folder)
    written: list[Path] = []
    for number, one in enumerate(files, 1):
        if one is None:
            continue
        match one.content:
            case str():
                ending = "txt"
            case StoredFile(extension=extension) | Archive(extension=extension):
                ending = extension
            case Audio():
                ending = chosen
        name = numbered_name(number, one.title, len(files), ending)
        written += _save_one(store, one.content, folder / name, ending)
    return written
