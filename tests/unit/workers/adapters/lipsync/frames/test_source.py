"""Pictures are read as they are, and a damaged one is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.errors import ModelError
from tests.unit.workers.adapters.lipsync.face_folders import SIZE, face_folder, png
from workers.adapters.lipsync.frames.files import find_frames
from workers.adapters.lipsync.frames.source import Pictures

pytestmark = pytest.mark.usefixtures("model_packages")


def pictures(folder: Path) -> Pictures:
    return Pictures(find_frames(face_folder(folder)).files, SIZE)


def test_each_picture_is_read_by_its_number_in_colour(tmp_path: Path) -> None:
    source = pictures(tmp_path)
    assert source.count == 5
    assert [int(source.read(number).mean()) for number in (4, 0, 2)] == [40, 0, 20]
    assert source.read(1).shape == (64, 96, 3)
    source.close()


def test_a_picture_that_is_damaged_gone_or_of_another_size_is_named(tmp_path: Path) -> None:
    source = pictures(tmp_path)
    file = tmp_path / "frames" / "frame_0002.png"
    data = bytearray(file.read_bytes())
    data[16:20] = b"\0\0\0\0"
    file.write_bytes(data)
    with pytest.raises(ModelError, match=r"frame_0002.png: is damaged: it cannot be decoded"):
        source.read(2)
    png(file, (90, 64))
    with pytest.raises(ModelError, match=r"frame_0002.png: has 90×64 pixels, but the face was loaded with 96×64"):
        source.read(2)
    file.unlink()
    with pytest.raises(ModelError, match=r"frame_0002.png: cannot be read: No such file"):
        source.read(2)
