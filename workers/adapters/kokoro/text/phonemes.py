"""The phonemes of a text in Kokoro's languages: the G2Ps, loaded when first needed, behind one lock.

No G2P may be used by two threads: espeak-ng and misaki then give wrong sounds without an error. So one lock stands
around them all. Guarantees: every letter and digit of a text is in a piece or the text is refused; what a piece holds
is in the model's vocabulary. Creating a `Phonemizer` imports nothing heavy.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version

from tasks.errors import InvalidInput
from workers.adapters.kokoro.prepared import Piece
from workers.adapters.kokoro.text import english
from workers.adapters.kokoro.text.cleaning import clean, stretches
from workers.adapters.kokoro.text.languages import LANGUAGES, Language
from workers.adapters.kokoro.text.scripts import check_text
from workers.adapters.kokoro.text.splitting import split
from workers.adapters.kokoro.text.tokens import Token
from workers.adapters.kokoro.text.vocabulary import UNKNOWN, UnknownSymbol, fit

logger = logging.getLogger(__name__)

RULES = "1"
"""Raise it when the same text would give other phonemes or pieces."""

G2P = Callable[[str], Iterable[Token]]

_DISTRIBUTIONS = {
    "": ("misaki", "phonemizer-fork", "phonemizer", "espeakng-loader"),
    "j": ("fugashi", "unidic-lite"),
    "z": ("jieba", "pypinyin", "cn2an"),
}
"""Language -> the distributions whose versions determine its phonemes; those of all languages under the empty one."""

_LOCK = threading.Lock()
"""Of the whole process: espeak-ng, spaCy, MeCab and jieba keep state outside of the objects."""


class Phonemizer:
    """Texts to pieces of phonemes. `vocab`: the symbols that the model knows, as its `config.json` has them."""

    def __init__(self, vocab: Mapping[str, int]) -> None:
        self._vocab = vocab
        self._g2ps: dict[str, G2P] = {}

    def open(self, letter: str) -> None:
        """Load the G2P of that language, if it is not (up to 5 s); raises `MissingExtra` with the install command."""
        with _LOCK:
            self._opened(LANGUAGES[letter])

    def version(self, letter: str) -> str:
        """What determines the phonemes of that language beside the text: these rules, and the packages' versions."""
        names = [*_DISTRIBUTIONS[""], *_DISTRIBUTIONS.get(letter, ())]
        if letter in "ab" and (model := english.spacy_model()):
            names += ["spacy", model.replace("_", "-")]
        return " ".join([RULES, *filter(None, map(_version, names))])

    def pieces(self, letter: str, text: str, voice: str = "") -> tuple[Piece, ...]:
        """The pieces of a text, of 1 to 510 phonemes each, in a cleaned spelling. `voice` is named in errors.

        Raises `InvalidInput` for a script that the language does not speak, a word that has no phonemes in it, and a
        text that gives no sound; `MissingExtra` as `open` does.
        """
        language = LANGUAGES[letter]
        check_text(letter, text, voice)
        tokens: list[Token] = []
        for stretch in stretches(clean(text, letter)):
            with _LOCK:
                said = list(self._opened(language)(stretch))
            tokens += [self._fitting(token, language) for token in said]
        pieces = split(tokens)
        if not pieces:
            raise InvalidInput(f"text: gives no sound in {language.name} (text begins {text.strip()[:40]!r})")
        return pieces

    def _opened(self, language: Language) -> G2P:
        """Call it while the lock is held."""
        if language.letter not in self._g2ps:
            language.require()
            self._g2ps[language.letter] = _g2p(language)
        return self._g2ps[language.letter]

    def _fitting(self, token: Token, language: Language) -> Token:
        """The token in the model's symbols; raises `InvalidInput` if it has a letter and no sound."""
        try:
            fitting = Token(token.text, fit(token.phonemes, self._vocab))
        except UnknownSymbol as exc:
            wrong = "has no known sound" if str(exc) == UNKNOWN else f"has a sound that Kokoro does not know ({exc})"
            raise InvalidInput(f"text: {_shown(token.text)} {wrong} in {language.name}") from exc
        if not fitting.speaks and any(map(str.isalnum, token.text)):
            raise InvalidInput(f"text: {_shown(token.text)} has no known sound in {language.name}")
        return fitting


def _g2p(language: Language) -> G2P:
    """Load it: seconds, and some hundred megabytes for English."""
    from workers.adapters.kokoro.text.espeak import EspeakG2P

    if language.letter in "ab":
        if model := english.spacy_model():
            return english.EnglishG2P(model, is_british=language.letter == "b")
        logger.warning(
            "%s is spoken by espeak-ng's phonemes, because spaCy or its English model is not installed; better: %s",
            language.name,
            language.install,
        )
    if language.letter == "j":
        from workers.adapters.kokoro.text.japanese import JapaneseG2P

        return JapaneseG2P()
    if language.letter == "z":
        from workers.adapters.kokoro.text.chinese import ChineseG2P

        return ChineseG2P()
    return EspeakG2P(language.espeak)


def _version(distribution: str) -> str:
    try:
        return f"{distribution}-{version(distribution)}"
    except PackageNotFoundError:
        return ""


def _shown(text: str) -> str:
    return f"«{text.strip()[:40]}»"
