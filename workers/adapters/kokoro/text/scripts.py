"""Whether a language speaks a text's letters: another script is refused before anything is computed. Pure.

espeak-ng would say «Chinese letter» for each Han character and spell Cyrillic; misaki's Japanese and Chinese would
leave other scripts out. A single Greek letter (α, π) is spoken by its name in every language.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator

from tasks.errors import InvalidInput
from tasks.text.language import VIETNAMESE
from workers.adapters.kokoro.text.languages import LANGUAGES, Language

_NAMED = {"CJK": "Han", "IDEOGRAPHIC": "Han", "KATAKANA-HIRAGANA": "Katakana", "MICRO": "Greek", "OHM": "Greek"}
_SCRIPTLESS = frozenset({"MODIFIER", "FEMININE", "MASCULINE", "DOUBLE-STRUCK", "SCRIPT", "BLACK-LETTER", "INFORMATION"})
"""First words of the Unicode names of letters that belong to no script."""

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")


def script_of(letter: str) -> str:
    """The script of a letter (`Latin`, `Han`, `Cyrillic`); empty if it belongs to none."""
    words = unicodedata.name(letter, "UNKNOWN").split(" ")
    first = words[1] if words[0] in ("HALFWIDTH", "FULLWIDTH", "MATHEMATICAL") and len(words) > 1 else words[0]
    if words[0] == "MATHEMATICAL" or first in _SCRIPTLESS:
        return ""
    return _NAMED.get(first, first.capitalize())


def check_text(letter: str, text: str, voice: str = "") -> None:
    """Raise `InvalidInput` if the language of that letter does not speak the text's script; needs no G2P."""
    language = LANGUAGES[letter]
    if wrong := next(_unspoken(text, language.scripts), ""):
        raise InvalidInput(
            f"text: the letter «{wrong}» ({script_of(wrong)}) is not spoken in {_named(language, voice)};"
            f" choose a voice of the text's language"
        )
    if is_vietnamese(text):
        raise InvalidInput(
            f"text: is Vietnamese, which is not spoken in {_named(language, voice)}; Kokoro has no Vietnamese voice"
        )


def _unspoken(text: str, scripts: Collection[str]) -> Iterator[str]:
    """The letters of other scripts, in order. Greek ones only where two stand together."""
    if text.isascii():
        return
    greek_before = False
    for char in text:
        script = script_of(char) if not char.isascii() and char.isalpha() else ""
        if script == "Greek":
            if greek_before:
                yield char
        elif script and script not in scripts:
            yield char
        greek_before = script == "Greek"


def is_vietnamese(text: str) -> bool:
    """Whether a text is Vietnamese, and not only names something Vietnamese.

    Names begin with a capital («Nguyễn», «Đà Nẵng»), so only words in small letters count; in a text without small
    letters all do. It is Vietnamese if two or more of them, and a quarter of all words, have letters of Vietnamese
    alone; or if one has, and half of those in small letters have a letter with a mark.
    """
    if text.isascii():
        return False
    words = _WORD.findall(unicodedata.normalize("NFC", text))
    if not any(char.islower() for char in text):
        words = [word.lower() for word in words]
    small = [word for word in words if word[0].islower()]
    own = sum(not VIETNAMESE.isdisjoint(word) for word in small)
    marked = sum(not word.isascii() for word in small)
    return own > 0 and (2 * marked >= len(small) >= 3 or (own >= 2 and 4 * own >= len(words)))


def _named(language: Language, voice: str) -> str:
    return f"{language.name} (voice {voice})" if voice else language.name
