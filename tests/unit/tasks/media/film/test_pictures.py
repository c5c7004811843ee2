"""Pictures become the files of an archive."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest

from tasks.media.film.pictures import encode_pictures


@pytest.mark.parametrize("format", ["jpg", "png"])
def test_pictures_are_numbered_from_the_first(format: str) -> None:
    data = encode_pictures([np.zeros((32, 64, 3), np.uint8)] * 2, 9, format)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.namelist() == [f"frame_000009.{format}", f"frame_000010.{format}"]
