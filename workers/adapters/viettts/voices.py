"""The voices of a samples folder: one audio file each, its name the file's without the suffix. Decodes no audio."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping
from pathlib import Path

from workers.adapters import voice_names

SUFFIXES = (".wav", ".flac", ".ogg", ".mp3")
"""Formats that libsndfile always reads; for two files with the same name the earlier suffix is used."""


def in_folder(folder: Path) -> dict[str, Path]:
    """Voice name (the whole stem, also with dots) -> its file, sorted. Empty if there is no folder."""
    if not folder.is_dir():
        return {}
    found = [path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file()]
    found.sort(key=lambda path: -SUFFIXES.index(path.suffix.lower()))
    return dict(sorted({path.stem: path for path in found}.items()))


def digests(voices: Mapping[str, Path]) -> dict[str, str]:
    """Voice name -> the SHA-256 of its file; none for one that cannot be read."""
    found = {}
    for name, path in voices.items():
        with contextlib.suppress(OSError):
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def named(voices: Mapping[str, Path], wanted: str) -> str:
    """The voice's name for `wanted`, ignoring case; raises `UnknownVoice` with similar names."""
    return voice_names.named(voices, wanted, "VietTTS")
