"""Joins stretches of film that are in the store, and their sound, to one artifact: an mp4 of any length.

Each stretch is read once, verified, and copied into the film without encoding it again; the sound is encoded beside it.
One stretch is in memory at a time; the film is written to a scratch folder, and stored when it is whole. When a stretch
is missing or damaged, nothing is stored, and all such stretches are named together.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tasks.errors import ArtifactMissing, StoreError
from tasks.media.assemble_parts import PartsMissing
from tasks.media.film.join import FilmAbout, FilmWriter
from tasks.store.artifacts import Artifact, Store, name_of
from tasks.store.scratch import scratch_folder

VERSION = "1"
"""An ingredient of the names of films: raise it when the same stretches and sound would give another file."""

STRETCHES = "stretches"
"""The key of the stretches' names, in order, in the details of a film."""


def join_to_store(store: Store, stretches: Sequence[str], sound: str) -> Artifact:
    """Join the stretches of these names, in order, with the sound of that name.

    The details are `width`, `height`, `frames` and `stretches`. A film that exists already is not made again, and no
    stretch is read then. Raises `PartsMissing`; from then on `store.find` returns None for these stretches. Raises
    `ArtifactMissing` if the sound is missing, and `StoreError` where the disk is full.
    """
    name = name_of("film", "mp4", {"joiner": VERSION, "stretches": list(stretches), "sound": sound})
    if (whole := store.find(name)) is not None:
        return whole
    with scratch_folder() as folder:
        store.fetch(sound, folder / "sound")
        film = folder / "film.mp4"
        try:
            about = _join(store, stretches, folder / "sound", film)
        except OSError as exc:
            raise StoreError(f"the film could not be written: {exc.strerror or exc}") from exc
        size = {"width": about.width, "height": about.height, "frames": about.frames}
        return store.put_file(name, film, {**size, STRETCHES: list(stretches)})


def _join(store: Store, stretches: Sequence[str], sound: Path, film: Path) -> FilmAbout:
    with FilmWriter(film, sound, fragmented=False, name="audio") as writer:
        for number, stretch in enumerate(stretches, 1):
            writer.add(_read(store, stretches, number, stretch))
        return writer.finish()


def check_all(store: Store, stretches: Sequence[str]) -> None:
    """Raise `PartsMissing` if one of these artifacts is not in the store; none of them is read."""
    if gone := _gone(store, stretches):
        raise PartsMissing(f"stretch {gone[0]}: artifact {stretches[gone[0] - 1]} is not in {store.place}", gone)


def _read(store: Store, stretches: Sequence[str], number: int, name: str) -> bytes:
    try:
        return store.read_bytes(name)
    except ArtifactMissing as exc:
        store.delete(name)  # a damaged one that could not be removed when it was read
        raise PartsMissing(f"stretch {number}: {exc}", _gone(store, stretches)) from exc


def _gone(store: Store, stretches: Sequence[str]) -> list[int]:
    return [number for number, name in enumerate(stretches, 1) if store.find(name) is None]
