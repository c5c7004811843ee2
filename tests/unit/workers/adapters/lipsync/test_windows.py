"""Which windows, seconds and samples frames need: held against the facts of the training, by hand."""

from __future__ import annotations

import pytest

from tasks.errors import InvalidInput
from tasks.media.stretches import frames_of
from tasks.messages.lipsync import FPS, SOUND_RATE
from workers.adapters.lipsync.windows import (
    SHORTEST,
    first_row,
    rows_for,
    rows_of,
    samples_for,
    seconds_of,
    windows_of,
)


@pytest.mark.parametrize(("seconds", "windows", "frames"), [(1, 22, 25), (3, 72, 75), (60, 1497, 1500)])
def test_a_sound_of_whole_seconds_has_the_windows_that_the_training_counted(
    seconds: int, windows: int, frames: int
) -> None:
    assert windows_of(seconds * SOUND_RATE) == windows
    assert frames_of(seconds * SOUND_RATE) == frames


def test_a_sound_too_short_for_a_window_has_two_as_if_silence_followed() -> None:
    assert [rows_of(samples) for samples in (1, SHORTEST, SHORTEST + 200)] == [16, 16, 17]
    assert [windows_of(samples) for samples in (1, SHORTEST - 1, SHORTEST)] == [2, 2, 2]
    assert [first_row(window, 16) for window in range(2)] == [0, 0]


def test_windows_begin_every_three_or_four_rows_and_the_last_ones_are_shifted_back() -> None:
    assert [first_row(window, 1_000) for window in range(6)] == [0, 3, 6, 9, 12, 16]
    samples = 2 * SOUND_RATE
    begins = [first_row(window, rows_of(samples)) for window in range(windows_of(samples))]
    assert begins[-1] == rows_of(samples) - 16
    assert max(begins) == begins[-1]


def test_frames_need_the_seconds_of_eight_places_before_and_seven_after() -> None:
    samples = 10 * SOUND_RATE
    assert seconds_of(0, 1, samples) == range(0, 1)
    assert seconds_of(33, 1, samples) == range(0, 2)  # place 25 is window 24, of second 0
    assert seconds_of(34, 1, samples) == range(1, 2)
    assert seconds_of(25, 19, samples) == range(0, 2)  # the last place, 50, is window 49
    assert seconds_of(25, 20, samples) == range(0, 3)
    assert seconds_of(225, 25, samples) == range(8, 10)


def test_each_place_of_each_frame_lies_in_the_seconds_that_it_needs() -> None:
    for samples in (1, 3_000, 16_000, 3 * SOUND_RATE + 77):
        last = windows_of(samples) - 1
        for frame in range(frames_of(samples)):
            seconds = seconds_of(frame, 1, samples)
            places = [place for place in range(frame - 8, frame + 8) if 0 <= place <= last + 2]
            assert {min(max(place - 1, 0), last) // FPS for place in places} <= set(seconds)


def test_frames_beyond_the_sound_are_refused() -> None:
    with pytest.raises(InvalidInput, match=r"^frames: 24 to 25 are beyond the sound, which has 16000 samples"):
        seconds_of(24, 2, SOUND_RATE)


def test_a_stretch_needs_less_than_a_second_and_a_half_of_sound_on_either_side() -> None:
    samples = 20 * SOUND_RATE
    for start in range(450):
        for frames in (1, 7, 25, 40):
            needed = samples_for(rows_for(seconds_of(start, frames, samples), samples), samples)
            assert needed.start >= max(0, start * 640 - 24_000)
            assert needed.stop <= min(samples, (start + frames) * 640 + 24_000)
