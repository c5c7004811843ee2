"""Compares what was seen of two outputs, and finds numbers that are none. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

SHOWN = 40
"""How many characters of a value are shown."""


def difference(one: Any, other: Any, tolerance: float, place: str = "") -> str:
    """The first place where they differ, in words; empty: nowhere.

    Numbers may differ by `tolerance` times the larger one, or times 1 if both are smaller. With a tolerance of 1 texts
    may differ, too: then only the form is compared.
    """
    at = f"{place}: " if place else ""
    if _is_number(one) and _is_number(other):
        return "" if _is_near(one, other, tolerance) else f"{at}{one:.6g} and {other:.6g}"
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        if alone := sorted(map(str, one.keys() ^ other.keys())):
            return f"{at}only one of them has {alone[0]!r}"
        found = (difference(one[key], other[key], tolerance, _under(place, key)) for key in one)
        return next(filter(None, found), "")
    if _is_list(one) and _is_list(other):
        if len(one) != len(other):
            return f"{at}{len(one)} and {len(other)} items"
        pairs = enumerate(zip(one, other, strict=True))
        found = (difference(*pair, tolerance, _under(place, number)) for number, pair in pairs)
        return next(filter(None, found), "")
    is_alike = type(one) is type(other) and (one == other or tolerance >= 1.0)
    return "" if is_alike else f"{at}{shown(one)} and {shown(other)}"


def not_numbers(value: Any, place: str = "") -> Iterator[str]:
    """The places with NaN or infinity, such as `scores.3: nan`."""
    if isinstance(value, float) and not math.isfinite(value):
        yield f"{place}: {value}" if place else str(value)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from not_numbers(inner, _under(place, key))
    elif _is_list(value):
        for number, inner in enumerate(value):
            yield from not_numbers(inner, _under(place, number))


def shown(value: Any) -> str:
    """The beginning of a value, in one line."""
    text = repr(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def _under(place: str, key: object) -> str:
    return f"{place}.{key}" if place else str(key)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))


def _is_near(one: float, other: float, tolerance: float) -> bool:
    if one == other or (math.isnan(one) and math.isnan(other)):
        return True
    return abs(one - other) <= tolerance * max(1.0, abs(one), abs(other))
