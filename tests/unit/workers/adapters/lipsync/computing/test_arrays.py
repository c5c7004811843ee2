"""What a batch's arrays hold: the face, the face with its mouth hidden, and the sixteen windows of each frame."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.errors import ModelError
from workers.adapters.lipsync.computing.arrays import BatchArrays

MASKS = {320: (5, 5, 310, 305), 160: (5, 5, 150, 145)}
"""Side of the network -> left, upper edge, width and height of the black box, as the faces were trained."""

RNG = np.random.default_rng(1)
SIDE = 40


def faces(count: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return RNG.integers(1, 256, (count, 3, SIDE, SIDE), dtype=np.uint8)


def test_a_frame_has_the_face_and_the_face_with_a_black_box_both_divided_by_255() -> None:
    arrays, given = BatchArrays(4, SIDE, "float32"), faces(3)
    arrays.fill(0, faces(4), np.zeros((19, 512), np.float32))
    arrays.fill(1, given, np.zeros((18, 512), np.float32))
    expected = given / np.float32(255)
    np.testing.assert_array_equal(arrays.pictures[1:, :3], expected)
    expected[:, :, 5:30, 5:35] = 0
    np.testing.assert_array_equal(arrays.pictures[1:, 3:], expected)


@pytest.mark.usefixtures("model_packages")
@pytest.mark.parametrize("side", [320, 160])
def test_the_black_box_is_the_one_that_the_faces_were_trained_with(side: int) -> None:
    import cv2

    face = RNG.integers(1, 256, (1, 3, side, side), dtype=np.uint8)
    masked = cv2.rectangle(face[0].transpose(1, 2, 0).copy(), MASKS[side], (0, 0, 0), -1)
    arrays = BatchArrays(1, side, "float32")
    arrays.fill(0, face, np.zeros((16, 512), np.float32))
    np.testing.assert_array_equal(arrays.pictures[0, 3:], masked.transpose(2, 0, 1).astype(np.float32) / 255.0)


def test_a_frame_hears_sixteen_windows_one_after_the_other_from_its_own_place_on() -> None:
    arrays = BatchArrays(3, SIDE, "float32")
    features = RNG.random((17, 512), np.float32)
    arrays.fill(1, faces(2), features)
    for frame in range(2):
        assert arrays.hears[1 + frame].tobytes() == features[frame : frame + 16].tobytes()
    assert not arrays.hears[0].any()


def test_an_output_is_cut_down_to_whole_numbers_and_stays_within_a_byte() -> None:
    arrays = BatchArrays(1, SIDE, "float32")
    made = np.zeros((1, 3, SIDE, SIDE), np.float32)
    made[0, 0, 0, :6] = [0.0, 0.9999, 1.0, 1.5, -0.5, 100.999 / 255]
    out = np.ones((1, 3, SIDE, SIDE), np.uint8)
    arrays.mouths(made, out)
    assert out[0, 0, 0, :6].tolist() == [0, 254, 255, 255, 0, 100]
    assert out[0, 1:].max() == 0


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_an_output_that_is_no_number_is_an_error(wrong: float) -> None:
    made = np.zeros((1, 3, SIDE, SIDE), np.float32)
    made[0, 2, 7, 7] = wrong
    with pytest.raises(ModelError, match="values that are no numbers"):
        BatchArrays(1, SIDE, "float32").mouths(made, np.zeros(made.shape, np.uint8))


def test_numbers_of_16_bits_are_filled_and_read_alike() -> None:
    arrays, given = BatchArrays(1, SIDE, "float16"), faces(1)
    arrays.fill(0, given, np.ones((16, 512), np.float32))
    out = np.zeros(given.shape, np.uint8)
    arrays.mouths(arrays.pictures[:, :3], out)
    assert np.abs(out.astype(int) - given).max() <= 1
