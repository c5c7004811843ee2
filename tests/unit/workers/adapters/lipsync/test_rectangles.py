"""The rectangles of a face are read in every form, and a wrong one is named with its frame."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.workers.adapters.lipsync.face_folders import points, rectangle
from workers.adapters.lipsync.rectangles import Rectangle, first_gap, read_rectangles

FOUND = [Rectangle(*rectangle(number)) for number in range(12)]


def as_list(folder: Path) -> None:
    (folder / "crop_rects.json").write_text(json.dumps([rectangle(number) for number in range(12)]))


def as_object(folder: Path) -> None:
    rows = {str(number): {"rect": rectangle(number), "crop_path": "x"} for number in (11, 3, *range(12))}
    (folder / "cache").mkdir()
    (folder / "cache" / "crop_rectangles.json").write_text(json.dumps(rows))


def as_points(folder: Path) -> None:
    for number in range(12):
        points(folder / "landmarks" / f"{number}.lms", rectangle(number))


@pytest.mark.parametrize("form", [as_list, as_object, as_points])
def test_each_form_gives_the_same_rectangles_in_the_order_of_their_numbers(form: Any, tmp_path: Path) -> None:
    form(tmp_path)
    assert read_rectangles(tmp_path).all == FOUND


def test_the_file_that_the_go_server_read_comes_first_and_points_come_last(tmp_path: Path) -> None:
    for form in (as_points, as_object, as_list):
        form(tmp_path)
    assert read_rectangles(tmp_path).file.name == "crop_rectangles.json"
    (tmp_path / "cache" / "crop_rectangles.json").unlink()
    assert read_rectangles(tmp_path).file.name == "crop_rects.json"


def test_a_folder_without_rectangles_names_all_that_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"has no rectangles of the face: none of cache/crop_rectangles.json, .*N.lms"):
        read_rectangles(tmp_path)


@pytest.mark.parametrize(
    ("written", "wrong"),
    [
        ("{", "is no JSON"),
        ("3", "has neither a list nor an object of rectangles"),
        ("[]", "has no rectangle"),
        ("[[1, 2, 3]]", "frame 0: [1, 2, 3] is not [x1, y1, x2, y2] in whole pixels"),
        ("[[0, 0, 9, 9], [0, 0, 9.5, 9]]", "frame 1: [0, 0, 9.5, 9] is not"),
        ("[[0, 0, NaN, 9]]", "frame 0: [0, 0, nan, 9] is not"),
        ("[[0, 0, true, 9]]", "frame 0: [0, 0, True, 9] is not"),
        ('{"0": {"rect": [0, 0, 9, 9]}, "2": {}}', "has no rectangle of frame 1"),
        ('{"0": {}}', "frame 0: None is not"),
        ('{"0": 5}', "frame 0: None is not"),
        ('{"a": {}}', "the key 'a' is not the number of a frame"),
    ],
)
def test_what_is_no_rectangle_is_named_with_its_file_and_frame(written: str, wrong: str, tmp_path: Path) -> None:
    (tmp_path / "crop_rects.json").write_text(written)
    with pytest.raises(ValueError) as raised:
        read_rectangles(tmp_path)
    assert str(tmp_path / "crop_rects.json") in str(raised.value)
    assert wrong in str(raised.value)


def test_points_that_are_none_or_missing_are_named(tmp_path: Path) -> None:
    as_points(tmp_path)
    (tmp_path / "landmarks" / "4.lms").write_text("1 2\n3 4\n")
    with pytest.raises(ValueError, match=r"landmarks/4\.lms: has not the points of a face"):
        read_rectangles(tmp_path)
    (tmp_path / "landmarks" / "4.lms").unlink()
    with pytest.raises(ValueError, match=r"landmarks: has no points of frame 4"):
        read_rectangles(tmp_path)


@pytest.mark.parametrize(
    ("at", "wrong"),
    [
        ((0, 0, 64, 64), ""),
        ((32, 0, 96, 64), ""),
        ((33, 0, 97, 64), "the rectangle [33, 0, 97, 64] leaves the frame of 96×64 pixels"),
        ((0, 1, 64, 65), "leaves the frame"),
        ((-1, 0, 9, 10), "leaves the frame"),
        ((0, -1, 10, 9), "leaves the frame"),
        ((0, 0, 10, 11), "is not square: 10×11"),
        ((5, 5, 5, 5), "is empty"),
        ((9, 9, 5, 5), "is empty"),
    ],
)
def test_a_rectangle_must_be_a_square_inside_of_the_frame(at: tuple[int, int, int, int], wrong: str) -> None:
    fault = Rectangle(*at).fault((96, 64))
    assert wrong in fault
    assert bool(fault) == bool(wrong)


def test_the_first_gap_between_numbers_is_found() -> None:
    assert first_gap([3, 4, 6, 9]) == 5
    assert first_gap([3, 4, 5]) is None
