"""Lip-sync in a slot: which face, and a film as a file."""

from __future__ import annotations

import io
import zipfile
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tasks.catalog import ModelEntry
from tasks.errors import InvalidInput, ModelError
from tasks.messages import StretchRequest
from workers.adapters.outputs import Film
from workers.sidecar.crafts.lipsync import CRAFT


def asked(**fields: Any) -> StretchRequest:
    return StretchRequest.parse({"model": "faces", "sounds": ["a/b.wav"], "samples": 16_000, "frames": 25, **fields})


def test_in_a_registry_the_face_is_the_model() -> None:
    faces = ModelEntry(name="faces", adapter="lipsync", path="/faces/{id}")
    assert CRAFT.variant(faces, asked(face="anna")) == "anna"
    assert CRAFT.variant(faces.model_copy(update={"voice": "bert"}), asked()) == "bert"
    assert CRAFT.variant(faces.model_copy(update={"path": "/one"}), asked(face="anna")) is None
    with pytest.raises(InvalidInput, match="^face: missing; 'faces' has a model for each face, and no default face$"):
        CRAFT.variant(faces, asked())


def test_the_tables_face_is_taken_where_none_is_named() -> None:
    model: Any = SimpleNamespace(entry=ModelEntry(name="faces", adapter="lipsync", path="/f", voice="bert"))
    assert (CRAFT.ready(model, asked()).face, CRAFT.ready(model, asked(face="anna")).face) == ("bert", "anna")


def test_a_film_becomes_an_mp4_and_says_its_size() -> None:
    frames = [np.zeros((16, 32, 3), np.uint8)] * 3
    data, details = CRAFT.encode(Film(frames, 3, start=75))
    assert data[4:8] == b"ftyp"
    assert details == {"format": "mp4", "start": 75, "width": 32, "height": 16, "frames": 3}
    assert CRAFT.extension_of(asked()) == "mp4"


def test_pictures_become_an_archive_and_say_the_same() -> None:
    frames = (np.full((16, 32, 3), number, np.uint8) for number in range(3))
    data, details = CRAFT.encode(Film(frames, 3, pictures="png", start=75))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.namelist() == [f"frame_{number:06d}.png" for number in (75, 76, 77)]
    assert details == {"format": "png", "start": 75, "width": 32, "height": 16, "frames": 3}
    assert CRAFT.extension_of(asked(pictures="png")) == "zip"


def test_pictures_of_two_sizes_are_an_error_of_the_model() -> None:
    frames = [np.zeros((16, 32, 3), np.uint8), np.zeros((32, 32, 3), np.uint8)]
    with pytest.raises(ModelError, match="^the model made pictures of 32 × 16 and 32 × 32$"):
        CRAFT.encode(Film(frames, 2, pictures="jpg"))
