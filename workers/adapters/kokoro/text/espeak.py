"""Phonemes by espeak-ng through misaki: Spanish, French, Hindi, Italian, Portuguese, and English without spaCy.

Also the Latin words in Japanese and Chinese.

espeak-ng gets the stretches between punctuation marks, so numbers («3,5», «10:30») stay whole and no mark is lost. It
drops, without a word, the end of a stretch of about 200 words and of a word of 28 letters or more, so it gets shorter
ones. Its state belongs to the object: one thread at a time. It and phonemizer are GPL-3.0-or-later.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import re
import tempfile
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from tasks.store.scratch import scratch_folder
from workers.adapters.kokoro.text.tokens import Token

_MARK = re.compile(
    r"""
    (?: [;!?—…“”"()]                            # always a mark
      | (?<!\d)[,:] | [,:](?!\d)                # not inside a number
      | (?<![^\W_])\. | \.(?![^\W_])            # not inside a word, a number, an address
      | (?<=[^\W\d_A-Z])\.(?=[A-Z])             # a stop without its space: «fin.Luego»
    )+
    """,
    re.VERBOSE,
)
_OPENS = re.compile(r'(?:^|(?<=[\s(—“]))"(?=\S)')
_NOTHING = re.compile("(?!)")
"""Matches nothing: phonemizer is told of no punctuation marks, which it would lose or move."""

MOST_WORDS = 40
"""At once; of 200 numbers espeak-ng 1.52 says 198."""

SAFE_LETTERS, MOST_LETTERS = 24, 60
"""Of a word. Of letters that it spells espeak-ng 1.52 says 28, of those that it reads about 90.

A word of some hundred characters («a.a.a.…») can overflow its stack, which ends the process: it never gets one."""

_LENGTHS = re.compile("[ˈˌː]")

_LATIN = re.compile(r"[A-Za-z\u00aa-\u024f\u0370-\u03ff]+(?:['.&-]?[A-Za-z\u00aa-\u024f]+)*")

_log = logging.getLogger(f"{__name__}.phonemizer")
_log.setLevel(logging.ERROR)  # it warns where words flow into one another, which is usual

_KEPT_OPEN = contextlib.ExitStack()


class EspeakG2P:
    """Phonemes of one language; `name` is espeak-ng's (`es`, `fr-fr`, `en-us`). Opening it takes about 0.1 s."""

    def __init__(self, name: str) -> None:
        self._g2p = _g2p(name)

    def __call__(self, text: str) -> Iterator[Token]:
        """The tokens of a clean text."""
        text = _OPENS.sub("“", text).replace('"', "”")
        start = 0
        for mark in _MARK.finditer(text):
            yield from self._words(text[start : mark.start()])
            start = mark.end() + (len(rest := text[mark.end() :]) - len(rest.lstrip()))
            yield Token(text[mark.start() : start], mark[0] + (" " if start > mark.end() else ""))
        yield from self._words(text[start:])

    def say(self, text: str) -> str:
        """The phonemes of words without punctuation."""
        return " ".join(str(self._g2p(text)[0]).split())

    def _said(self, words: Sequence[str]) -> list[str]:
        if max(map(len, words)) > SAFE_LETTERS:
            return " ".join(whole(self.say, word) for word in words).split()
        return self.say(" ".join(words)).split()

    def _words(self, stretch: str) -> list[Token]:
        """The words of a stretch without marks, each with its phonemes, or all in one token if these are not known."""
        words = stretch.split()
        if not words:
            return [Token(stretch, "")] if stretch else []
        groups = (words[start : start + MOST_WORDS] for start in range(0, len(words), MOST_WORDS))
        *tokens, last = (token for group in groups for token in self._group(group))
        after = " " if stretch[-1].isspace() else ""
        return [*tokens, Token(last.text.rstrip() + after, last.phonemes.rstrip() + after)]

    def _group(self, words: Sequence[str]) -> Iterator[Token]:
        said = self._said(words)
        counts = [1] * len(words)
        if len(said) != len(words):
            counts = [len(self._said([word])) for word in words]
        if sum(counts) != len(said) or not all(counts):
            yield Token(" ".join([*words, ""]), " ".join([*said, ""]))
            return
        start = 0
        for word, count in zip(words, counts, strict=True):
            yield Token(f"{word} ", " ".join([*said[start : start + count], ""]))
            start += count


@functools.cache
def _g2p(name: str) -> Any:
    """misaki's G2P by espeak-ng. It is kept: each new one loads two copies of the library, which nothing can unload."""
    from misaki.espeak import EspeakG2P as MisakiG2P

    with library_copies():
        made = MisakiG2P(language=name)
        made.backend = backend(name)
    return made


def whole(say: Callable[[str], str], word: str) -> str:
    """What `say` makes of a word, or of its halves if it drops some of a long one; it gets at most `MOST_LETTERS`."""
    if len(word) <= SAFE_LETTERS:
        return say(word)
    halves = "".join(whole(say, half) for half in (word[: len(word) // 2], word[len(word) // 2 :]))
    if len(word) > MOST_LETTERS:
        return halves
    said = say(word)
    sounds = len(_LENGTHS.sub("", said)), len(_LENGTHS.sub("", halves))
    return said if sounds[0] >= 0.97 * sounds[1] else halves


def backend(name: str) -> Any:
    """phonemizer's espeak-ng as misaki's own G2Ps have it; call it inside `library_copies`."""
    from phonemizer.backend import EspeakBackend

    return EspeakBackend(
        language=name,
        punctuation_marks=_NOTHING,
        preserve_punctuation=False,
        with_stress=True,
        tie="^",
        language_switch="remove-flags",
        logger=_log,
    )


@contextlib.contextmanager
def library_copies() -> Iterator[None]:
    """Let phonemizer copy the library into a scratch folder: it would leave one behind for each killed process."""
    usual = tempfile.tempdir
    tempfile.tempdir = _folder_of_copies()
    try:
        yield
    finally:
        tempfile.tempdir = usual


@functools.cache
def _folder_of_copies() -> str:
    """A scratch folder that exists until the process ends."""
    folder = _KEPT_OPEN.enter_context(scratch_folder())
    # Finalizers run in reverse order, so phonemizer's, which remove the copies, come before this one.
    weakref.finalize(EspeakG2P, _KEPT_OPEN.close)
    return str(folder)


def around_latin(text: str, say: Callable[[str], str], other: Callable[[str], Iterable[Token]]) -> Iterator[Token]:
    """The tokens of a Japanese or Chinese text: its Latin words by `say`, what stands between them by `other`.

    misaki would take the letters of such words for phonemes. Single Greek letters are said by their names.
    """
    start = 0
    for found in _LATIN.finditer(text):
        yield from _spaced(list(other(text[start : found.start()])))
        start = found.end()
        after = " " if text[start : start + 1].isspace() else ""
        start += len(after)
        yield Token(found[0] + after, say(found[0].replace(".", " ")) + " ")
    yield from other(text[start:])


def _spaced(tokens: list[Token]) -> Iterator[Token]:
    """With a space between the last word and the Latin one that follows."""
    for index, token in enumerate(tokens):
        last = index + 1 == len(tokens) and token.speaks and not token.phonemes.endswith(" ")
        yield Token(token.text, token.phonemes + " ") if last else token
