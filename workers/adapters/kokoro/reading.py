"""Kokoro without its model: judges requests, names what determines their sound, and makes their phonemes.

It is used in the process beside the model's, and imports what makes phonemes only when a text needs it. A voice's first
letter is its language. Each refusal is an `InvalidInput` that says what would do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from tasks.errors import InvalidInput
from tasks.messages import ParagraphRequest
from tasks.store.names import JSON
from tasks.text.spelling import as_written
from workers.adapters.kokoro import blends, voices
from workers.adapters.kokoro.blends import Blend
from workers.adapters.kokoro.prepared import Piece, PreparedText, Word
from workers.adapters.kokoro.text.languages import LANGUAGES, missing
from workers.adapters.kokoro.text.phonemes import Phonemizer
from workers.adapters.kokoro.text.scripts import check_text

SLOWEST, FASTEST = 0.5, 2.0
"""Outside of these speeds the model gives rubbish, and gigabytes of it where it is slow."""

MOST_CHARS = 20_000
"""Of one request: 20 minutes of sound. Rubbish of this length (signs without a space) takes a minute to read."""


@dataclass(frozen=True)
class Told:
    """What a loaded model tells the process that judges requests; plain values."""

    vocabulary: Mapping[str, int]
    voices: Mapping[str, voices.Known]
    default_voice: str
    has_whole_speeds: bool


class Reader:
    """Reads requests for one loaded model; used by one thread."""

    def __init__(self, told: Told) -> None:
        self._told = told
        self._phonemizer = Phonemizer(told.vocabulary)

    def open(self) -> None:
        """Load what makes the phonemes of the default voice's language; raises `MissingExtra`."""
        self._phonemizer.open(self.blend(None).letter)

    def blend(self, voice: str | None) -> Blend:
        """The voice or blend; raises `UnknownVoice`, or `InvalidInput` for one that cannot be used."""
        blend = blends.parse(voice or self._told.default_voice, lambda name: voices.named(self._told.voices, name))
        for name in blend.shares:
            if fault := self._told.voices[name].fault:
                raise InvalidInput(f"voice: {name!r} cannot be used: {fault}")
        if install := missing(blend.letter):
            language = LANGUAGES[blend.letter].name
            raise InvalidInput(f"voice: {blend.first!r} speaks {language}, which is not installed here; run: {install}")
        return blend

    def check(self, item: ParagraphRequest) -> None:
        """Raise `UnknownVoice` or `InvalidInput`: for voice, speed, length, or a script that the voice cannot read."""
        blend = self.blend(item.voice)
        if len(item.text) > MOST_CHARS:
            raise InvalidInput(
                f"text: has {len(item.text):,} characters, Kokoro takes {MOST_CHARS:,} at once; send it as a chapter"
            )
        if not SLOWEST <= item.speed <= FASTEST:
            raise InvalidInput(f"speed: Kokoro speaks at {SLOWEST} to {FASTEST}, and not at {item.speed:g}")
        if self._told.has_whole_speeds and item.speed not in (1.0, 2.0):
            raise InvalidInput(f"speed: this export of Kokoro speaks at 1 or 2, and not at {item.speed:g}")
        check_text(blend.letter, item.text, blend.first)

    def ingredients(self, item: ParagraphRequest) -> Mapping[str, JSON]:
        """The blend in its one form, its voices' digests, and what makes the phonemes."""
        blend = self.blend(item.voice)
        return {
            "voice": str(blend),
            "voice_digests": [self._told.voices[name].digest for name in blend.shares],
            "phonemes": self._phonemizer.version(blend.letter),
        }

    def prepare(self, item: ParagraphRequest) -> PreparedText:
        """The text's phonemes in pieces, in the model's own symbols; the texts of pieces and words as written."""
        blend = self.blend(item.voice)
        pieces = self._phonemizer.pieces(blend.letter, item.text, blend.first)
        return PreparedText(str(blend), item.speed, respelt(item.text, pieces))


def respelt(text: str, pieces: Sequence[Piece]) -> tuple[Piece, ...]:
    """The pieces with the stretches of the text that they say, and their words with the marks that stand at them."""
    written = as_written(text, [piece.text for piece in pieces])
    return tuple(
        replace(piece, text=stretch, words=tuple(_words(stretch, piece.words)))
        for piece, stretch in zip(pieces, written, strict=True)
    )


def _words(stretch: str, words: Sequence[Word]) -> Iterator[Word]:
    for word, written in zip(words, as_written(stretch, [word.text for word in words]), strict=True):
        yield replace(word, text=" ".join(written.split()))
