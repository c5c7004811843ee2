"""The pieces of each file of a result, from the result or from the store."""

from __future__ import annotations

import pytest

from producer.files.pieces import pieces_of_files, read_pieces
from tasks.errors import ArtifactMissing, InvalidInput
from tasks.media.pieces import TimedPiece, TimedWord
from tasks.messages import ResultFile
from tasks.store.artifacts import Store
from tests.unit.producer.files.conftest import RATE, artifact


def test_pieces_are_read_where_the_result_has_none_and_what_is_no_sound_has_none(store: Store) -> None:
    told, old, given = artifact(store, 1), artifact(store, 2), artifact(store, 3)
    details = {"sample_rate": RATE, "frames": RATE, "pieces": [["A b.", 0.0, 1.0, [["A", 0.0, 0.5]]]]}
    store.put_bytes(told.artifact, store.read_bytes(told.artifact), details)
    store.delete(given.artifact)
    of_result = (TimedPiece("Given.", 0.0, 1.0),)
    files = [ResultFile(told), ResultFile(old), ResultFile(given, pieces=of_result), None, ResultFile("a text")]
    assert pieces_of_files(store, files) == [
        (TimedPiece("A b.", 0.0, 1.0, (TimedWord("A", 0.0, 0.5),)),),
        (TimedPiece("", 0.0, 1.0),),
        of_result,
        None,
        None,
    ]


def test_what_is_missing_or_no_sound_is_named(store: Store) -> None:
    with pytest.raises(ArtifactMissing, match=r"^artifact speech/ab/abc.wav is not in"):
        read_pieces(store, "speech/ab/abc.wav")
    text = store.put_text("A text.")
    with pytest.raises(InvalidInput, match=f"^artifact: {text} is not a sound"):
        read_pieces(store, text)
    with pytest.raises(InvalidInput, match=r"is not the name of an artifact"):
        read_pieces(store, "chapter one")
