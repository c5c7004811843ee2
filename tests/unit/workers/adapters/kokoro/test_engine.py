"""What is accepted as the sound of a piece."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.errors import ModelError
from workers.adapters.kokoro.engine import FRAME, Made, checked

PHONEMES = "həlˈO"


def made(samples: np.ndarray, **more: object) -> Made:
    return Made(samples.astype(np.float32), [0, 1, 2, 3, 4, 5, 0], **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("samples", "durations", "why"),
    [
        (np.full(FRAME * 7, np.nan), (), "samples that are no numbers"),
        (np.zeros(FRAME * 7), (), "no sound"),
        (np.ones(FRAME * 5 - 1), (), r"only 0\.12 s of sound"),
        (np.ones(0), (), r"only 0\.00 s of sound"),
        (np.ones(FRAME * 7), [1] * 6, "6 durations for 7 symbols"),
    ],
)
def test_what_can_be_no_speech_is_an_error_of_the_model(samples: np.ndarray, durations: list[int], why: str) -> None:
    with pytest.raises(ModelError, match=rf"^text: Kokoro gave {why} .*həlˈO"):
        checked(made(samples, durations=durations), PHONEMES)
