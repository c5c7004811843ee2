"""Lip-sync in a slot: which face, and a film as a file."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tasks.catalog import ModelEntry
from tasks.errors import InvalidInput
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


def test_a_film_becomes_an_mp4_and_says_its_size() -> None:
    frames = [np.zeros((16, 32, 3), np.uint8)] * 3
    data, details = CRAFT.encode(Film(frames, 3))
    assert data[4:8] == b"ftyp"
    assert details == {"width": 32, "height": 16, "frames": 3}
