"""Kokoro's nine languages: their letters and tags, what each needs, and how to install it. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec

from tasks.errors import MissingExtra

ESPEAK = ("misaki", "phonemizer", "espeakng_loader")
"""The packages of misaki's phonemes by espeak-ng, as they are imported; every language needs them."""


@dataclass(frozen=True)
class Language:
    """A language that Kokoro speaks. Its letter is the first one of its voices' names."""

    letter: str
    tag: str
    name: str
    espeak: str
    """The name that espeak-ng has for it; in Japanese and Chinese for the Latin words of a text."""
    scripts: frozenset[str]
    """The scripts that it is written in (`scripts.script_of`)."""
    extra: str
    """The extra of slotline that installs what it needs."""
    packages: tuple[str, ...] = ESPEAK

    @property
    def install(self) -> str:
        """The command that installs what it needs."""
        return f"pip install 'slotline[{self.extra}]'"

    def lacks(self) -> list[str]:
        """Which of its packages are not installed. Looks for them without an import."""
        return [name for name in self.packages if find_spec(name) is None]

    def require(self) -> None:
        """Raise `MissingExtra` with the install command if a package is not installed."""
        if lacks := self.lacks():
            raise MissingExtra(f"{self.name} needs {', '.join(lacks)}, not installed here; run: {self.install}")


LATIN = frozenset({"Latin"})

LANGUAGES: Mapping[str, Language] = {
    language.letter: language
    for language in (
        Language("a", "en-us", "American English", "en-us", LATIN, "kokoro-en"),
        Language("b", "en-gb", "British English", "en-gb", LATIN, "kokoro-en"),
        Language("e", "es", "Spanish", "es", LATIN, "kokoro-es"),
        Language("f", "fr", "French", "fr-fr", LATIN, "kokoro-fr"),
        Language("h", "hi", "Hindi", "hi", LATIN | {"Devanagari"}, "kokoro-hi"),
        Language("i", "it", "Italian", "it", LATIN, "kokoro-it"),
        Language(
            "j",
            "ja",
            "Japanese",
            "en-us",
            LATIN | {"Hiragana", "Katakana", "Han"},
            "kokoro-ja",
            (*ESPEAK, "fugashi", "jaconv", "mojimoji", "unidic_lite"),
        ),
        Language("p", "pt-br", "Brazilian Portuguese", "pt-br", LATIN, "kokoro-pt"),
        Language(
            "z",
            "zh",
            "Mandarin Chinese",
            "en-us",
            LATIN | {"Han"},
            "kokoro-zh",
            (*ESPEAK, "cn2an", "jieba", "pypinyin", "ordered_set"),
        ),
    )
}
"""Letter -> language. English is better with spaCy and its model; without them it is spoken by espeak's phonemes."""


def language_of_voice(voice: str) -> Language | None:
    """The language of a voice by its first letter (`af_heart`: American English); None if no language has it."""
    return LANGUAGES.get(voice[:1])


def missing(letter: str) -> str | None:
    """The install command of what that language lacks here; None if all is installed. Imports nothing."""
    language = LANGUAGES[letter]
    return language.install if language.lacks() else None
