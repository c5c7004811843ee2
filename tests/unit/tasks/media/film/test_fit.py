"""A stretch of another encoder, or of another preset, is made to fit the others."""

from __future__ import annotations

import pytest

from tasks.errors import ModelError
from tasks.media.encoding import PRESETS, Encoding
from tasks.media.film.fit import Form, fitted, opened, parameter_sets
from tests.unit.tasks.media.film.films import seen, stretch


def form_of(data: bytes) -> Form:
    with opened(data) as (_, form):
        return form


@pytest.mark.parametrize("preset", ["ultrafast", "veryfast", "medium", "slower"])
def test_a_stretch_is_encoded_again_in_the_form_of_another_preset(preset: str) -> None:
    assert preset in PRESETS
    wanted = form_of(stretch(0, 1, Encoding("libx264", preset)))
    other = stretch(10, 5, Encoding("libx264", "fast"))
    assert form_of(other) != wanted
    again = fitted(other, wanted)
    assert again is not None
    assert form_of(again) == wanted
    assert seen(again).shows(10, 11, 12, 13, 14)


def test_a_form_that_no_encoder_here_makes_has_no_fit() -> None:
    form = form_of(stretch(0, 1))
    assert fitted(stretch(0, 1), Form(form.width, form.height, form.header + b"of another encoder")) is None


def test_the_sets_of_a_header_stand_with_their_lengths() -> None:
    header = (
        bytes([1, 100, 0, 10, 0xFF, 0xE1, 0, 3]) + b"SPS" + bytes([2, 0, 1]) + b"a" + bytes([0, 2]) + b"bb" + b"\xfd"
    )
    assert parameter_sets(header) == b"\0\0\0\3SPS" + b"\0\0\0\1a" + b"\0\0\0\2bb"


def test_what_is_no_stretch_is_refused_by_one_line() -> None:
    with pytest.raises(ModelError, match="^it is not a film in mp4$"), opened(b"no film"):
        pass
