"""Japanese phonemes by misaki's Cutlet, with MeCab (fugashi) and the dictionary of the package unidic-lite.

The package unidic, which misaki[ja] brings, is never used: its dictionary is another download. One thread at a time.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any

from workers.adapters.kokoro.text.cleaning import stretches
from workers.adapters.kokoro.text.espeak import EspeakG2P, around_latin
from workers.adapters.kokoro.text.numerals import in_kanji, japanese
from workers.adapters.kokoro.text.tokens import OPENING, PAUSES, Token, before_marks

MOST_CHARS = 300
"""At once: misaki's search for the words of its list takes a time that grows with the cube of the text's length."""

_NUMBER = re.compile(r"\d+")
_PART = re.compile(r"\d+|\S")


class JapaneseG2P:
    """misaki's Japanese without its losses. Opening it takes about 0.1 s."""

    def __init__(self) -> None:
        from fugashi import Tagger
        from unidic_lite import DICDIR

        self._cutlet: Any = _recording_cutlet(Tagger(f'-r "{DICDIR}/mecabrc" -d "{DICDIR}"'))
        self._latin = EspeakG2P("en-us")

    def __call__(self, text: str) -> Iterator[Token]:
        """The tokens of a clean text; a number's text is as it is written."""
        return before_marks(around_latin(japanese(text), self._latin.say, self._tokens))

    def _tokens(self, text: str) -> Iterator[Token]:
        for stretch in stretches(unicodedata.normalize("NFKC", text), MOST_CHARS):
            if stretch.strip():
                said = self._cutlet.tokens(_NUMBER.sub(lambda found: in_kanji(found[0]), stretch))
                yield from _written(list(_assimilated(said)), stretch)


def _recording_cutlet(tagger: Any) -> Any:
    """misaki's Cutlet that keeps which phonemes are whose."""
    from misaki import cutlet

    class Recording(cutlet.Cutlet):
        def __init__(self) -> None:
            # Not the constructor's own: it would take the dictionary of unidic where that is installed.
            self.tagger, self.table = tagger, dict(cutlet.HEPBURN)
            self.exceptions: dict[str, str] = {}
            self.surfaces: list[str] = []

        def tokens(self, text: str) -> list[tuple[str, str, bool]]:
            """Each word as it is written (a number in kanji), its phonemes, whether a space follows."""
            words = [
                cutlet.Word(
                    word.surface,
                    cutlet.jaconv.kata2hira(word.feature.pron or word.feature.kana or word.surface),
                    6 if word.char_type == 7 or not word.is_unk else word.char_type,
                )
                for word in self.tagger(self._normalize_text(text))
            ]
            self.surfaces = []
            said = self._romaji_tokens(words)
            return [(surface, token.surface, token.space) for surface, token in zip(self.surfaces, said, strict=True)]

        def _romaji_word(self, word: Any) -> str:
            self.surfaces.append(word.surface)
            return str(super()._romaji_word(word))

    return Recording()


def _assimilated(tokens: list[tuple[str, str, bool]]) -> Iterator[Token]:
    """The tokens without a space where っ joins two of them, as misaki does it."""
    for index, (surface, phonemes, space) in enumerate(tokens):
        following = tokens[index + 1][1] if index + 1 < len(tokens) else ""
        is_mark = not phonemes or phonemes[-1] in PAUSES
        if (following.startswith("ʔ") and not is_mark) or (phonemes.endswith("ʔ") and following[:1] not in OPENING):
            space = False
        yield Token(surface, phonemes.strip() + (" " if space else ""))


def _written(tokens: Sequence[Token], text: str) -> Iterator[Token]:
    """The tokens of a text in kanji, with its numbers as they are written; several tokens of a number become one."""
    written = [part for found in _PART.finditer(text) for part in _as_written(found[0])]
    if len(written) != sum(len(token.text) for token in tokens):
        yield from tokens
        return
    at = 0
    held: Token | None = None
    for token in tokens:
        own = "".join(written[at : at + len(token.text)])
        at += len(token.text)
        if held is None:
            held = Token(own, token.phonemes)
        elif own:
            yield held
            held = Token(own, token.phonemes)
        else:
            held = Token(held.text, held.phonemes + token.phonemes)
    if held is not None:
        yield held


def _as_written(part: str) -> list[str]:
    """For each character that MeCab gets, what stands for it in the text: a number for its first one."""
    return [part, *[""] * (len(in_kanji(part)) - 1)] if part.isdigit() else [part]
