"""Reads when the pieces of a text are spoken in the sounds of a result. Saves nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tasks.errors import ArtifactMissing, InvalidInput
from tasks.media.pieces import Pieces, pieces_of
from tasks.messages import Audio

if TYPE_CHECKING:
    from tasks.messages import ResultFile
    from tasks.store.artifacts import Store


def read_pieces(store: Store, name: str) -> Pieces:
    """The pieces of a sound in the store; raises `ArtifactMissing`, or `InvalidInput` for another artifact."""
    artifact = store.find(name)
    if artifact is None:
        raise ArtifactMissing(f"artifact {name} is not in {store.place}")
    try:
        return pieces_of(artifact.details)
    except KeyError as exc:
        raise InvalidInput(f"artifact: {name} is not a sound, so no text is spoken in it") from exc


def pieces_of_files(store: Store, files: Sequence[ResultFile | None]) -> list[Pieces | None]:
    """The pieces of each file: those that the result has, else from the store; None for one that is not a sound."""
    return [_of(store, one) for one in files]


def _of(store: Store, file: ResultFile | None) -> Pieces | None:
    if file is None or not isinstance(file.content, Audio):
        return None
    return file.pieces if file.pieces is not None else read_pieces(store, file.content.artifact)
