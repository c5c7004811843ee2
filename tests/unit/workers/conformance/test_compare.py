"""How outputs are compared."""

from __future__ import annotations

import math

import pytest

from workers.conformance.compare import difference, not_numbers, shown


@pytest.mark.parametrize(
    ("one", "other", "tolerance", "said"),
    [
        (1.0, 1.0005, 0.001, ""),
        (1000, 1000.5, 0.001, ""),
        (0.0, 0.0005, 0.001, ""),
        (1.0, 1.1, 0.001, "1 and 1.1"),
        (math.nan, math.nan, 0.0, ""),
        (True, 1, 1.0, "True and 1"),
        ("a", "b", 0.5, "'a' and 'b'"),
        ("a", "b", 1.0, ""),
        ({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}, 0.0, "a.1.b: 2 and 3"),
        ({"a": 1}, {"b": 1}, 0.0, "only one of them has 'a'"),
        ([1], [1, 2], 0.0, "1 and 2 items"),
        (None, None, 0.0, ""),
        ([], {}, 0.0, "[] and {}"),
    ],
)
def test_the_first_difference_is_named_with_its_place(one: object, other: object, tolerance: float, said: str) -> None:
    assert difference(one, other, tolerance) == said


def test_numbers_that_are_none_are_found_with_their_places() -> None:
    assert list(not_numbers({"a": [1.0, math.nan], "b": {"c": -math.inf}})) == ["a.1: nan", "b.c: -inf"]
    assert list(not_numbers(math.inf)) == ["inf"]
    assert not list(not_numbers(["nan", 1, None]))


def test_a_long_value_is_shortened() -> None:
    assert shown("x" * 100) == "'" + "x" * 38 + "…"
