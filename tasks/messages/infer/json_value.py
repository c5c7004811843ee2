"""What is a JSON value here, and where in a value the first thing is that is none. Pure.

Stricter than Python's `json`: NaN and infinities, keys that are no texts, halves of surrogate pairs, cycles and what is
deeper than `MOST_DEPTH` are refused, each with its place: `input.scores.3: NaN is not JSON`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

MOST_DEPTH = 64
"""Lists and objects inside each other; a value deeper than this is a mistake, and would exhaust Python's stack."""
SHOWN_CHARS = 40
"""How much of a key is shown."""

_LEAVES = frozenset({str, int, float, bool, type(None)})
_PLAIN = _LEAVES | {list, dict}


class NotJson(ValueError):
    """A value is not JSON; the message is one line that names the place."""


def place_of(root: str, steps: Iterable[Any]) -> str:
    """A place in a value in words: `input.scores.3`; of a key that is long or has other signs, what `repr` shows."""
    return ".".join([root, *map(_step, steps)])


def text_of(value: Any, root: str, other: Callable[[Any], Any] | None = None) -> str:
    """The value as JSON without spaces, in the order of its keys; raises `NotJson`, whose places begin with `root`.

    Tuples are lists. `other` turns a value of any other type into one of JSON, or raises `TypeError`.
    """
    text = _written(value) if _is_plain(value) else None
    return _written_plain(plain(value, root, other), root) if text is None else text


def plain_with_size(value: Any, root: str) -> tuple[Any, int]:
    """The value, made only of the types that reading JSON gives, and its size as JSON in UTF-8; raises `NotJson`."""
    text = _written(value) if _is_plain(value) else None
    if text is None:
        value = plain(value, root)
        text = _written_plain(value, root)
    return value, len(text.encode())


def plain(value: Any, root: str, other: Callable[[Any], Any] | None = None) -> Any:
    """The same value, made only of the types that reading JSON gives; raises `NotJson`."""
    return _Reader(root, other).read(value, ())


def _written_plain(value: Any, root: str) -> str:
    text = _written(value)
    if text is None:  # a number of more digits than Python writes
        raise NotJson(f"{root}: is not JSON")
    return text


def _written(value: Any) -> str | None:
    """The value as JSON; None where Python's `json` refuses it, or its text has no bytes."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        text.encode()
    except ValueError:
        return None
    return text


def _is_plain(value: Any) -> bool:
    """Whether it is made of JSON's types alone, has only texts as keys, and is not too deep. One look a container."""
    level = [value]
    for _ in range(MOST_DEPTH + 1):
        types = set(map(type, level))
        if types <= _LEAVES:
            return True
        if not types <= _PLAIN:
            return False
        below: list[Any] = []
        for one in level:
            if type(one) is dict:
                if not set(map(type, one)) <= {str}:
                    return False
                below.extend(one.values())
            elif type(one) is list:
                below.extend(one)
        level = below
    return False


class _Reader:
    """Reads a value step by step: slower, and it knows where it is."""

    def __init__(self, root: str, other: Callable[[Any], Any] | None) -> None:
        self._root = root
        self._other = other

    def read(self, value: Any, steps: tuple[Any, ...], is_made: bool = False) -> Any:
        if isinstance(value, (list, tuple, Mapping)) and len(steps) >= MOST_DEPTH:
            raise NotJson(f"{self._root}: has more than {MOST_DEPTH} lists and objects inside each other")
        match value:
            case None | bool():
                return value
            case str():
                return self._text(value, steps)
            case int():
                return int(value)
            case float():
                return self._number(float(value), steps)
            case list() | tuple():
                return [self.read(one, (*steps, number)) for number, one in enumerate(value)]
            case Mapping():
                return {self._key(key, steps): self.read(one, (*steps, key)) for key, one in value.items()}
        return self._made(value, steps, is_made)

    def _made(self, value: Any, steps: tuple[Any, ...], is_made: bool) -> Any:
        try:
            if self._other is None or is_made:
                raise TypeError
            found = self._other(value)
        except TypeError:
            name = f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
            raise NotJson(f"{self._at(steps)}: a value of the type {name} is not JSON") from None
        return self.read(found, steps, is_made=True)

    def _text(self, value: str, steps: tuple[Any, ...]) -> str:
        try:
            value.encode()
        except UnicodeEncodeError:
            raise NotJson(f"{self._at(steps)}: half of a surrogate pair is no character") from None
        return str.__str__(value)

    def _number(self, value: float, steps: tuple[Any, ...]) -> float:
        if not math.isfinite(value):
            words = "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
            raise NotJson(f"{self._at(steps)}: {words} is not JSON")
        return value

    def _key(self, key: Any, steps: tuple[Any, ...]) -> str:
        if not isinstance(key, str):
            raise NotJson(f"{self._at(steps)}: the key {_step(key)} is no text")
        return self._text(key, (*steps, key))

    def _at(self, steps: tuple[Any, ...]) -> str:
        return place_of(self._root, steps)


def _step(step: Any) -> str:
    shown = str(step)
    is_plain = isinstance(step, (str, int)) and shown.isprintable() and shown and not set(shown) & set(" .:")
    if not is_plain:
        shown = ascii(step)
    return shown if len(shown) <= SHOWN_CHARS else shown[: SHOWN_CHARS - 1] + "…"
