"""Times of pieces and words: they follow each other, and end where the sound ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from workers.adapters.kokoro.engine import FRAME, SAMPLE_RATE, Made
from workers.adapters.kokoro.prepared import Piece, Word
from workers.adapters.kokoro.times import timed


def made(frames: Sequence[int], *, tells: bool = True, spare: int = 0) -> Made:
    samples = np.ones(sum(frames) * FRAME + spare, np.float32)
    return Made(samples, [0] * len(frames), list(frames) if tells else ())


PIECE = Piece("Hi, you.", "ha, ju.", (Word("Hi,", 0, 3), Word("you.", 4, 7)))
FRAMES = [12, 4, 4, 8, 2, 3, 5, 6, 16]
"""Silence, three symbols, the space, three symbols, silence."""


def test_a_space_counts_half_to_each_word_and_silence_at_the_ends_to_its_neighbour() -> None:
    (piece,) = timed([PIECE], [made(FRAMES)])
    assert (piece.text, piece.start_s, piece.end_s) == ("Hi, you.", 0.0, 1.5)
    first, last = piece.words
    assert (first.text, first.start_s) == ("Hi,", 0.0)
    assert first.end_s == pytest.approx(0.725)
    assert (last.text, last.start_s, last.end_s) == ("you.", first.end_s, 1.5)


def test_a_pause_at_a_comma_counts_to_the_word_before_it() -> None:
    apart = Piece("Hi, you.", "ha, ju.", (Word("Hi", 0, 2), Word("you", 4, 6)))
    words = timed([apart], [made(FRAMES)])[0].words
    assert [(word.start_s, word.end_s) for word in words] == [(0.0, pytest.approx(0.725)), (pytest.approx(0.725), 1.5)]
    without_space = Piece("你好", "ni2xao", (Word("你", 0, 3), Word("好", 3, 6)))
    first, second = timed([without_space], [made([4, 4, 4, 4, 4, 4, 4, 4])])[0].words
    assert first.end_s == second.start_s == pytest.approx(0.4)


def test_pieces_and_words_follow_each_other_and_add_up_to_the_real_length() -> None:
    sounds = [made(FRAMES), made(FRAMES, tells=False), made([3] * 9, spare=-200), made(FRAMES)]
    pieces = timed([PIECE] * 4, sounds)
    assert pieces[0].start_s == 0
    assert pieces[-1].end_s == pytest.approx(sum(len(one.samples) for one in sounds) / SAMPLE_RATE, abs=1e-9)
    for one, other in pairwise(pieces):
        assert one.end_s == other.start_s
    for number in (0, 2, 3):
        words = pieces[number].words
        assert [word.text for word in words] == ["Hi,", "you."]
        assert (words[0].start_s, words[-1].end_s) == (pieces[number].start_s, pieces[number].end_s)
        assert words[0].start_s < words[0].end_s == words[1].start_s < words[1].end_s


def test_without_durations_or_words_only_the_piece_is_timed() -> None:
    untold, wordless = timed([PIECE, Piece("Hi.", "ha.")], [made(FRAMES, tells=False), made([1, 1, 1, 1, 1])])
    assert untold.words == wordless.words == ()
    assert (wordless.start_s, wordless.end_s) == (1.5, 1.625)


def test_samples_that_were_cut_at_the_beginning_move_the_words_and_the_ends_stay_the_sounds() -> None:
    whole = made(FRAMES)
    cut = replace(whole, samples=whole.samples[6000:-9600], cut=(6000, 9600))
    (piece,) = timed([PIECE], [cut])
    first, last = piece.words
    assert first.start_s == 0.0
    assert last.end_s == piece.end_s == pytest.approx(0.85)
    assert first.end_s == pytest.approx(0.725 - 6000 / SAMPLE_RATE)
    too_much = replace(whole, samples=whole.samples[20_000:], cut=(20_000, 0))
    first, last = timed([PIECE], [too_much])[0].words
    assert first.start_s == first.end_s == last.start_s == 0.0
