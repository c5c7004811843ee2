"""The book of a storm: its own text made from a seed, and the sound that must come of it, sample by sample.

Every paragraph differs from every other and is shorter than a piece may be, so a paragraph
is a part. With the rehearsal's `signed`, its sound begins with samples of its own: what is
missing, doubled or out of order in a chapter's audio is seen in the audio itself.
"""

from __future__ import annotations

import io
import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import soundfile
from numpy.typing import NDArray

from tasks.catalog import ModelEntry
from tasks.media.wav import encode_wav
from tests.unit.workers.adapters.asked import to_speak
from workers.adapters.outputs import Sound
from workers.adapters.rehearsal import SAMPLE_RATE, Rehearsal
from workers.adapters.rehearsal.journal import digest

SPEED = 4.0
PAUSE_S = 0.05
SYLLABLES = ("ba", "cho", "dem", "gio", "hoa", "khe", "lua", "mua", "nang", "que", "song", "tre", "ve", "xuan")


@dataclass(frozen=True)
class Chapter:
    """A title and its paragraphs."""

    title: str
    paragraphs: tuple[str, ...]

    @property
    def text(self) -> str:
        """As it is sent."""
        return "\n\n".join(self.paragraphs)


def book(seed: int, number: int, paragraphs: int, per_chapter: int = 25) -> list[Chapter]:
    """Chapters with `paragraphs` in all, the same for the same seed and number; no paragraph comes twice."""
    hand = random.Random(f"book {seed} {number}")
    made = [_paragraph(hand, f"{number}.{n}") for n in range(1, paragraphs + 1)]
    return [
        Chapter(f"Chapter {1 + first // per_chapter}", tuple(made[first : first + per_chapter]))
        for first in range(0, paragraphs, per_chapter)
    ]


def _paragraph(hand: random.Random, name: str) -> str:
    words = " ".join(hand.choice(SYLLABLES) for _ in range(hand.randint(2, 20)))
    return f"Paragraph {name} {words}."


def sound_of(paragraph: str) -> NDArray[np.int16]:
    """The samples that its artifact must hold."""
    entry = ModelEntry(name="rehearsal", adapter="rehearsal", options={"signed": True})
    (made,) = Rehearsal(entry, "cpu").run([to_speak(paragraph, speed=SPEED)])
    assert isinstance(made, Sound)
    return samples(encode_wav(made.samples, made.sample_rate))


def chapter_sound(chapter: Chapter) -> NDArray[np.int16]:
    """The samples that the chapter's file must hold."""
    pause = np.zeros(round(PAUSE_S * SAMPLE_RATE), dtype=np.int16)
    pieces = [piece for paragraph in chapter.paragraphs for piece in (pause, sound_of(paragraph))]
    return np.concatenate(pieces[1:])


def samples(wav: bytes) -> NDArray[np.int16]:
    """The samples of a 16-bit mono WAV."""
    with soundfile.SoundFile(io.BytesIO(wav)) as file:
        read: NDArray[np.int16] = file.read(dtype="int16")
    return read


def heard(audio: NDArray[np.int16], known: Sequence[Chapter]) -> list[str]:
    """The paragraphs whose beginning is heard in `audio`, in order; «?» for sound that is none's."""
    openings = {bytes(sound_of(one)[:8]): one for chapter in known for one in chapter.paragraphs}
    loud = np.flatnonzero(audio)
    starts = loud[np.flatnonzero(np.diff(loud, prepend=-2) > 1)]
    return [openings.get(bytes(audio[at : at + 8]), "?") for at in starts]


def digests(chapters: Sequence[Chapter]) -> set[str]:
    """What the journal calls the paragraphs."""
    return {digest(one) for chapter in chapters for one in chapter.paragraphs}
