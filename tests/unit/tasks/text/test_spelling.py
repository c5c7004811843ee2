"""What was read aloud is found in the written text, whatever a model's own cleaning has changed."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.text.spelling import as_written

SENTENCE = "“Don’t stop—ever!” said Dr. O’Neil [quietly] 😀, in May 2024. ¿Qué? «Ça», (ﬁne)… * * *\n\n“So,” he added"


@pytest.mark.parametrize(
    ("text", "read", "written"),
    [
        ("“Don’t” — he’d say.", ['"Don\'t" -', "he'd say."], ["“Don’t” —", "he’d say."]),
        ("A. “B”", ["A.", '"B"'], ["A.", "“B”"]),
        ("One—two (three)four", ["one", "two", "three", "four"], ["One—", "two", "(three)", "four"]),
        ("你说：「好。」然后", ["你说:", "“好。”", "然后"], ["你说：", "「好。」", "然后"]),
        ("¿Qué? ¡Sí!", ["Qué?", "Sí!"], ["¿Qué?", "¡Sí!"]),
        ("A 😀 b, ﬁne Ａ.", ["A b,", "fine", "A."], ["A 😀 b,", "ﬁne", "Ａ."]),
        ("Tom & Jerry pay $5.", ["Tom", "&", "Jerry", "pay", "$5"], ["Tom", "&", "Jerry", "pay", "$5."]),
        (
            "In 2024, 310 cats sat.",
            ["In twenty twenty four,", "three hundred ten cats sat."],
            ["In 2024,", "310 cats sat."],
        ),
        ("在2024年，他走了。", ["在二零二四年，", "他走了。"], ["在2024年，", "他走了。"]),
        ("12345 is long", ["1 2 3", "4 5 is long"], ["123", "45 is long"]),
        ("One\n\n* * *\n\ntwo", ["One", "two"], ["One\n\n* * *", "two"]),
        ("…", ["dots"], ["…"]),
        ("", ["dots"], ["dots"]),
        ("Words.", [], []),
    ],
)
def test_each_stretch_is_as_it_was_written(text: str, read: list[str], written: list[str]) -> None:
    assert as_written(text, read) == written


@given(st.lists(st.text("ab 1“”.,—’😀\n", max_size=9), max_size=5), st.text("abc1 “.’\n", max_size=40))
def test_nothing_of_the_written_text_is_lost_or_doubled_whatever_was_read(read: list[str], text: str) -> None:
    stretches = as_written(text, [f"{one}\0" for one in read])
    assert len(stretches) == len(read)
    found = [stretch for stretch in stretches if not stretch.endswith("\0")]
    assert "".join("".join(found).split()) == ("".join(text.split()) if read else "")


@given(st.lists(st.integers(1, len(SENTENCE) - 1), max_size=6, unique=True))
def test_a_text_that_was_cut_anywhere_and_lost_its_marks_is_whole_again(cuts: list[int]) -> None:
    edges = pairwise([0, *sorted(cuts), len(SENTENCE)])
    read = [_letters(SENTENCE[start:end]) for start, end in edges]
    stretches = as_written(SENTENCE, read)
    assert [_letters(stretch) for stretch in stretches] == read
    assert "".join("".join(stretches).split()) == "".join(SENTENCE.split())


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text))


def test_a_long_text_that_has_nothing_of_what_was_read_takes_no_long_time() -> None:
    assert as_written("x" * 20_000, ["y" * 10_000] * 2) == ["x" * 10_000] * 2
