"""Nothing of a long text is lost: paragraphs of 600 characters and more with no full stop are heard to the end."""

from __future__ import annotations

from statistics import median

import pytest

from tests.acceptance.words.speaker import Speaker, duration_s
from tests.acceptance.words.texts import LONG, Spoken
from tests.fixtures.hearing import Ears, error_rate, longest_loss

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.mark.parametrize("asked", LONG, ids=lambda asked: asked.voice)
def test_a_long_paragraph_is_heard_whole(speaker: Speaker, ears: Ears, asked: Spoken) -> None:
    assert len(asked.text) >= 600
    prepared = speaker.prepare(asked.text, asked.voice)
    assert len(prepared.pieces) >= 3
    assert max(len(piece.phonemes) for piece in prepared.pieces) <= 510
    sound = speaker.compute(prepared)
    written = ears.hear(sound.samples, sound.sample_rate, asked.language)
    assert error_rate(asked.text, written, asked.language) <= asked.most, written
    assert longest_loss(asked.text, written, asked.language) <= 6, written
    # No piece is shorter for its phonemes than the others: none ends early.
    paces_s = [
        (told.end_s - told.start_s) / len(piece.phonemes)
        for told, piece in zip(sound.pieces, prepared.pieces, strict=True)
    ]
    assert min(paces_s) > 0.7 * median(paces_s)
    assert sound.pieces[-1].end_s == pytest.approx(duration_s(sound), abs=0.001)
