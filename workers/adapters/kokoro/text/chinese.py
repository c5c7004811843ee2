"""Mandarin phonemes by misaki's rules: cn2an for numbers, jieba for words, pypinyin for their sounds.

One thread at a time.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from typing import Any

from tasks.store.scratch import scratch_folder
from workers.adapters.kokoro.text.espeak import EspeakG2P, around_latin
from workers.adapters.kokoro.text.numerals import chinese, chinese_signs
from workers.adapters.kokoro.text.tokens import OPENING, Token, before_marks
from workers.adapters.kokoro.text.vocabulary import UNKNOWN

_MARKS = {
    **dict.fromkeys("，、,", ","),
    **dict.fromkeys("。．.", "."),
    **{
        "！": "!",
        "!": "!",
        "？": "?",
        "?": "?",
        "：": ":",
        ":": ":",
        "；": ";",
        ";": ";",
        "…": "…",
        "—": "—",
        "〜": "—",
    },
    **dict.fromkeys("“《〈「『【〔", "“"),
    **dict.fromkeys("”》〉」』】〕", "”"),
    **{"（": "(", "(": "(", "）": ")", ")": ")", '"': '"'},
}
_NUMBER = r"\d+(?:\.\d+)?(?:/\d+)?(?:[%℃]|[年月日号时点分秒]+(?=\d)|[年月日号时点分秒])?"
_PART = re.compile(rf"(?P<number>(?:{_NUMBER})+)|(?P<mark>[{re.escape(''.join(_MARKS))}])|(?P<other>\s+|.)", re.DOTALL)
_HAN = re.compile("[々〇\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")


class ChineseG2P:
    """misaki's Mandarin without its losses. Opening it takes about 1 s."""

    def __init__(self) -> None:
        import cn2an
        import jieba
        from misaki.zh import ZHG2P

        jieba.setLogLevel(logging.WARNING)
        with scratch_folder() as folder:  # its cache would be a file of a known name in /tmp, which anybody can write
            jieba.dt.tmp_dir = str(folder)
            jieba.initialize()
        self._in_words: Any = cn2an.transform
        self._cut: Any = jieba.lcut
        self._say: Any = ZHG2P.word2ipa
        self._latin = EspeakG2P("en-us")

    def __call__(self, text: str) -> Iterator[Token]:
        """The tokens of a clean text."""
        return before_marks(around_latin(chinese(text), self._latin.say, self._tokens))

    def _tokens(self, text: str) -> Iterator[Token]:
        """The tokens of a text without Latin letters."""
        held = ""
        for found in _PART.finditer(text):
            other = found["other"]
            if other and (_HAN.match(other) or other.isspace()):
                held += other
                continue
            if other:
                held += chinese_signs(other) if chinese_signs(other) != other else ""
                continue
            yield from self._words(held)
            held = ""
            if found["number"]:
                yield self._number(found["number"])
            else:
                yield _mark(found["mark"])
        yield from self._words(held)

    def _number(self, number: str) -> Token:
        said = chinese_signs(self._in_words(number, "an2cn"))
        return Token(number, " ".join(token.phonemes.strip() for token in self._words(said)) + " ")

    def _words(self, text: str) -> Iterator[Token]:
        for word in self._cut(text):
            if word.strip():
                yield Token(word, self._word(word) + " ")

    def _word(self, word: str) -> str:
        """The phonemes of a word; `UNKNOWN` for a character that pypinyin does not know."""
        try:
            return str(self._say(word))
        except (KeyError, IndexError, ValueError):
            return UNKNOWN


def _mark(mark: str) -> Token:
    said = _MARKS[mark]
    return Token(mark, said if said in OPENING else f"{said} ")
