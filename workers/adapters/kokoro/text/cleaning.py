"""A text as a G2P can read it: its marks, digits and rare letters in forms that all G2Ps know. Pure.

Changes what has no sound or would be misread, and loses no word: every letter and digit stays, or becomes its plain
form («ﬁ» fi, «Ａ» A, «ễ» ê). Left out are: emoji and pictures, characters without width, marks of layout (`*`, `_`,
`|`, `<`, `>`, bullets), and accents that belong to no letter. SSML, `[word](/phonemes/)` and other markup are read as
the text that they are.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import pairwise

from tasks.text.normalise import normalise
from tasks.text.split import VERSE_LINE_CHARS

LONGEST_NUMBER = 15
"""Digits; a longer number (of a card, of π) is read digit by digit. misaki fails on 310 digits, cn2an on 17."""

STRETCH_CHARS = 4000
"""What a G2P reads at once; spaCy refuses a million characters."""

_MARKS = str.maketrans(
    {
        **dict.fromkeys("’‘ʼʻ＇′`´", "'"),
        **dict.fromkeys("“„‟«‹〝", "“"),
        **dict.fromkeys("”»›〞＂", "”"),
        **dict.fromkeys("–―‒─", "—"),
        **dict.fromkeys("‐‑−", "-"),
        **dict.fromkeys("[{", "("),
        **dict.fromkeys("]}", ")"),
        **dict.fromkeys("*_~^|<>•·‣◦¬¦¿¡", " "),
        **dict.fromkeys("।॥", "."),
        **dict.fromkeys("ʔˈˌːˑ"),
    }
)
"""Punctuation in the forms of Kokoro's vocabulary; what stands for a sound there and not in a text is left out."""

_EAST_ASIAN_MARKS = str.maketrans(
    {"、": ",", "。": ".", **dict.fromkeys("「『《【〈", "“"), **dict.fromkeys("」』》】〉", "”")}
)
"""Japanese and Chinese read these themselves."""

_KEPT = frozenset("ªº")
_ORPHAN_MARKS = re.compile(
    "[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\u3099\u309a\ufe00-\ufe0f\ufe20-\ufe2f]"
)
_PICTURES = re.compile("[\u2190-\u2bff\U0001f000-\U0001fbff\U000e0000-\U000e0fff\ufffc\ufffd]+")
_NOT_FOLDED = "\u017f"
"""Latin letters up to this one are read by espeak-ng in all languages; most later ones it spells («letter 604»)."""

_PLAIN = {"SCHWA": "a", "ESH": "sh", "EZH": "zh", "ENG": "ng", "ETH": "th", "THORN": "th", "ALPHA": "a", "IOTA": "i"}
_PLAIN |= {"UPSILON": "u", "OMEGA": "o", "GAMMA": "g", "CHI": "ch", "BETA": "b", "PHI": "f", "OI": "oi", "AV": "av"}
# espeak-ng 1.52 crashes in Hindi on hyphens before an avagraha («---ऽ»).
_DASHES = re.compile(r"-{2,}|(?<!\S)-(?!\S)")
_LOOSE_HYPHEN = re.compile(r"(?<!\w)-(?!\w)|(?<!\w)-(?=[^\W\d])|(?<=\w)-(?!\w)")
_NUMBER = re.compile(r"\d(?:\d|[.,](?=\d))*")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_SENTENCE_END = re.compile(r"[.!?…。！？]['”’)»」』]*\s*")


def clean(text: str, letter: str) -> str:
    """The text in forms that the G2P of that language knows; idempotent, no white space at its ends."""
    text = _plain_letters(normalise(text), letter).translate(_MARKS)
    text = _LOOSE_HYPHEN.sub(" ", _DASHES.sub("—", _PICTURES.sub(" ", text)))
    text = _THOUSANDS.sub("", text) if letter in "jz" else text.translate(_EAST_ASIAN_MARKS)
    text = _NUMBER.sub(_short_number, text)
    return _in_one_line([line for line in (" ".join(line.split()) for line in text.split("\n")) if line])


def stretches(text: str, most: int = STRETCH_CHARS) -> Iterator[str]:
    """The text in stretches of at most `most` characters, cut after sentences, else words or commas."""
    while len(text) > most:
        ends = [found.end() for found in _SENTENCE_END.finditer(text, 0, most)]
        cut = ends[-1] if ends else max(text.rfind(mark, 0, most) for mark in " 、，") + 1 or most
        yield text[:cut]
        text = text[cut:]
    if text:
        yield text


def _plain_letters(text: str, letter: str) -> str:
    if text.isascii():
        return text
    text = unicodedata.normalize("NFC", "".join(_plain(char, letter) for char in text))
    return text if letter == "h" else _ORPHAN_MARKS.sub("", text)


def _plain(char: str, letter: str) -> str:
    """A character in its usual form: full width, ligatures and digits of all scripts become plain ones."""
    if char.isascii() or char in _KEPT:
        return char
    if char == "～":
        return "〜"  # not «~»: in Japanese it says «from»
    category = unicodedata.category(char)
    if category == "Nd":
        return str(unicodedata.digit(char))
    if category == "Cf":
        return char if letter == "h" and char in "\u200c\u200d" else ""
    if category[0] == "P" and letter in "jz":
        return char
    if category[0] == "L" or category == "Nl" or "①" <= char <= "⓿" or "！" <= char <= "～":
        usual = unicodedata.normalize("NFKC", char)
        return "".join(_folded(each) for each in usual)
    return char


def _folded(char: str) -> str:
    """A Latin letter that espeak-ng would spell, without its marks or in the letter that it was made from."""
    if char <= _NOT_FOLDED or "LATIN" not in (name := unicodedata.name(char, "")):
        return char
    parts = unicodedata.normalize("NFD", char)
    for end in range(len(parts) - 1, 0, -1):
        shorter = unicodedata.normalize("NFC", parts[:end])
        if len(shorter) == 1 and shorter <= _NOT_FOLDED:
            return shorter
    last = name.split(" WITH ")[0].rsplit(" ", 1)[-1]
    plain = last.lower() if len(last) == 1 else _PLAIN.get(last, "")
    return (plain.upper() if char.isupper() else plain) or char


def _short_number(found: re.Match[str]) -> str:
    """A number as it is, or its digits one by one («3.1 4 1 5 9») if it is too long to be read as one."""
    number = found[0]
    if all(len(part) <= LONGEST_NUMBER for part in number.replace(",", "").split(".")):
        return number
    return re.sub(r"(?<=\d)(?=\d)", " ", number.replace(",", ""))


def _in_one_line(lines: Sequence[str]) -> str:
    """The lines, with a pause after one of verse or a title: it is short, and the next begins with no small letter.

    Not by a pattern: one that looks for the ends of lines takes a time that grows with the square of a long line.
    """
    ended = [
        line + ("," if line[-1].isalnum() and len(line) <= VERSE_LINE_CHARS and not following[0].islower() else "")
        for line, following in pairwise(lines)
    ]
    return " ".join([*ended, *lines[-1:]])
