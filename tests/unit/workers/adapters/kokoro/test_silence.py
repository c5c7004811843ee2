"""Silence around pieces: shortened to a pause that suits the sign before it, and never nearer to what is heard."""

from __future__ import annotations

import numpy as np
import pytest

from workers.adapters.kokoro.engine import SAMPLE_RATE, Made
from workers.adapters.kokoro.silence import (
    AFTER_S,
    BEFORE_S,
    CLAUSE_S,
    MARGIN_S,
    SENTENCE_S,
    WORD_S,
    pause_s,
    shortened,
)


def made(before_s: float, heard_s: float, after_s: float, loudness: float = 0.5, offset: float = 0.0) -> Made:
    lengths = [round(seconds * SAMPLE_RATE) for seconds in (before_s, heard_s, after_s)]
    tone = loudness * np.sin(np.arange(lengths[1]) * 0.3)
    return Made(
        np.concatenate([np.zeros(lengths[0]), tone, np.zeros(lengths[2])]).astype(np.float32) + offset, [0, 1, 0]
    )


def ends_s(one: Made, offset: float = 0.0) -> tuple[float, float]:
    """The silence at both ends of a sound, to the sample."""
    heard = np.flatnonzero(np.abs(one.samples - offset) > 1e-4)
    return heard[0] / SAMPLE_RATE, (len(one.samples) - 1 - heard[-1]) / SAMPLE_RATE


def near(seconds: float) -> object:
    return pytest.approx(seconds, abs=0.011)


@pytest.mark.parametrize(
    ("phonemes", "pause"),
    [
        ("hˈWs.”", SENTENCE_S),
        ("hˈWs?", SENTENCE_S),
        ("hˈWs, ", CLAUSE_S),
        ("hˈWs — ", CLAUSE_S),
        ("hˈWs", WORD_S),
        (" ", WORD_S),
    ],
)
def test_the_pause_between_two_pieces_is_that_of_the_sign_between_them(phonemes: str, pause: float) -> None:
    assert pause_s(phonemes) == pause
    first, second = shortened([made(0.3, 1.0, 0.5), made(0.4, 1.0, 0.7)], [phonemes, "ɪt."], 1.0)
    assert ends_s(first)[1] + ends_s(second)[0] == near(pause)
    assert ends_s(first)[0] == near(BEFORE_S)
    assert ends_s(second)[1] == near(AFTER_S)


def test_what_is_heard_stays_with_a_margin_and_what_was_cut_is_told() -> None:
    whole = [made(0.3, 1.0, 0.5), made(0.4, 0.7, 0.7, loudness=0.05), made(0.2, 0.2, 0.2, offset=0.02)]
    after = shortened(whole, ["a", "b,", "c."], 2.0)
    for one, was, offset in zip(after, whole, (0.0, 0.0, 0.02), strict=True):
        before, behind = one.cut
        assert np.array_equal(one.samples, was.samples[before : len(was.samples) - behind])
        assert min(ends_s(one, offset)) >= MARGIN_S - 1e-3
        assert max(ends_s(one, offset)) <= 0.2


def test_nothing_is_made_longer_and_a_pause_that_one_side_lacks_is_left_to_the_other() -> None:
    first, second = shortened([made(0.0, 1.0, 0.02), made(0.6, 1.0, 0.1)], ["a.", "b."], 1.0)
    assert ends_s(first)[0] == near(0.0)
    assert ends_s(first)[1] == near(0.02)
    assert ends_s(second)[0] == near(SENTENCE_S - 0.02)
    assert ends_s(second)[1] == near(0.1)
    (alone,) = shortened([made(0.02, 0.5, 0.02)], ["a."], 1.0)
    assert alone.cut == (0, 0)


def test_pauses_follow_the_speed() -> None:
    first, second = shortened([made(1.0, 1.0, 1.0)] * 2, ["a.", "b."], 0.5)
    assert ends_s(first)[1] + ends_s(second)[0] == near(2 * SENTENCE_S)
    assert ends_s(first)[0] == near(2 * BEFORE_S)
    assert ends_s(second)[1] == near(2 * AFTER_S)


def test_a_sound_without_any_silence_or_without_any_sound_is_left_as_it_is() -> None:
    for one in (made(0.0, 1.0, 0.0), made(1.0, 0.0, 0.0), Made(np.zeros(100, np.float32), [0, 1, 0])):
        (same,) = shortened([one], ["a."], 1.0)
        assert np.array_equal(same.samples, one.samples)
