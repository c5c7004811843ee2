"""Shortens the silence that Kokoro puts before and after each piece. Pure; never cuts what can be heard.

The model speaks every piece as a text of its own: 0.2 to 0.5 s of silence, the words, and 0.2 to 1.1 s of silence
(measured). Where a text was divided in the middle of a sentence this would be a hole of a second. So between two pieces
a pause remains as the model itself makes it at that sign inside a piece, and at the ends of a text a little, because
what joins texts adds pauses of its own. Nothing is made longer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from workers.adapters.kokoro.engine import SAMPLE_RATE, Made

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FRAME = 240
"""Samples of a frame that is heard or silent: 10 ms."""
SILENT = 0.005
"""A frame is silent if its standard deviation is below this share of the piece's peak (-46 dB)."""

MARGIN_S = 0.05
"""Stays on both sides of what is heard, because a word may begin and end softly."""
BEFORE_S, AFTER_S = 0.1, 0.25
"""At the ends of a text, at speed 1."""
SENTENCE_S, CLAUSE_S, WORD_S = 0.5, 0.25, 0.1
"""Between two pieces, at speed 1: after the end of a sentence, after another sign, and elsewhere."""

SENTENCE_SIGNS, CLAUSE_SIGNS = ".!?…", ",;:—"
AROUND = ' ”“"()»«'
"""Stand after a sign without changing it."""


def shortened(made: Sequence[Made], phonemes: Sequence[str], speed: float) -> list[Made]:
    """The sounds of a text's pieces with shorter silences; `cut` of each says what was taken from its two ends."""
    silences = [_silences(one.samples) for one in made]
    pauses = [pause_s(said) / speed for said in phonemes[:-1]]
    befores, afters = [_frames(BEFORE_S / speed)], []
    for pause, (_, after) in zip(pauses, silences[:-1], strict=True):
        afters.append(min(after, _frames(pause - MARGIN_S)))
        befores.append(max(_frames(MARGIN_S), _frames(pause) - afters[-1]))
    afters.append(_frames(AFTER_S / speed))
    return [
        _cut(one, max(0, silence[0] - before) * FRAME, max(0, silence[1] - after) * FRAME)
        for one, silence, before, after in zip(made, silences, befores, afters, strict=True)
    ]


def pause_s(phonemes: str) -> float:
    """The pause after a piece with these phonemes, at speed 1."""
    last = phonemes.rstrip(AROUND)[-1:]
    if last and last in SENTENCE_SIGNS:
        return SENTENCE_S
    return CLAUSE_S if last and last in CLAUSE_SIGNS else WORD_S


def _frames(seconds: float) -> int:
    """At least those of the margin."""
    return round(max(seconds, MARGIN_S) * SAMPLE_RATE / FRAME)


def _silences(samples: NDArray[np.float32]) -> tuple[int, int]:
    """How many frames before the first and after the last one that is heard are silent."""
    import numpy as np

    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
    # The deviation and not the level: some exports have a constant offset.
    heard = np.flatnonzero(frames.std(axis=1) >= SILENT * np.abs(samples).max(initial=0.0))
    if not len(heard):
        return 0, 0
    return int(heard[0]), len(frames) - 1 - int(heard[-1])


def _cut(made: Made, before: int, after: int) -> Made:
    """The sound without so many samples at its beginning and its end."""
    return replace(made, samples=made.samples[before : len(made.samples) - after], cut=(before, after))
