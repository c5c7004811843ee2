"""Whether an output begins as a page says."""

from __future__ import annotations

import pytest

from tests.fixtures.pages.printed import begins, filled


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("one\ntwo\nthree\n", ["one", "two"]),
        ("one  \n\n two\n", ["one", "two"]),
        ("slot     worker\ncpu-0    quick\n", ["slot worker", "cpu-0  quick"]),
        ("x.wav: 0.4 s of audio\n", ["x.wav: … s of audio"]),
        ("a\nb\nc\nd\n", ["a", "…", "d"]),
        ("a\nd\n", ["a", "…", "d"]),
        ("\x1b[1mone\x1b[0m\r\nloading\rloaded\n", ["one", "loaded"]),
        ("without an end", ["without an end"]),
        ("(a+b) [c] $\n", ["(a+b) [c] $"]),
        ("anything\n", []),
        ("", []),
    ],
)
def test_it_begins_as_the_page_says(output: str, expected: list[str]) -> None:
    assert begins(output, expected, {}) == {}


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("", ["one"]),
        ("one and more\n", ["one"]),
        ("zero\none\n", ["one"]),
        ("one\nthree\n", ["one", "two"]),
        ("a\nb\n", ["a", "…", "d"]),
        ("axb\n", ["a.b"]),
    ],
)
def test_it_begins_otherwise(output: str, expected: list[str]) -> None:
    assert begins(output, expected, {}) is None


def test_a_named_word_is_kept_and_is_the_same_word_later() -> None:
    names = begins("job 4f1c done\njob 4f1c\n", ["job <id> …", "job <id>"], {})
    assert names == {"id": "4f1c"}
    assert begins("4f1c\n", ["<id>"], names) == names
    assert begins("4f1d\n", ["<id>"], names) is None
    assert begins("4f1c of 7\n", ["<id> of <count>"], names) == {"id": "4f1c", "count": "7"}
    assert filled("slotline watch <id> < <other>", names) == "slotline watch 4f1c < <other>"


def test_a_named_word_that_differs_from_itself_is_no_match() -> None:
    assert begins("job 1\njob 2\n", ["job <id>", "job <id>"], {}) is None
