"""Cleaning loses no word, and gives the G2Ps only what they can read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.adapters.kokoro.text.cleaning import clean, stretches


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don’t ‘say’ it′s", "Don't 'say' it's"),
        ("«Bien» „so“ 10–12", "“Bien” “so“ 10—12"),
        ("cafe\u0301 ＡＢＣ ﬁne ⅷ 𝐛 ②", "café ABC fine viii b 2"),
        ("a\u200bb so\u00adft \ufeffx", "ab soft x"),
        ("Nguyễn Đà Nẵng Łódź", "Nguyên Đà Năng Łódź"),
        ("H̵e̷l̴lo", "Hello"),
        ("/wˈɜɹd/ ʃ ŋ", "/werd/ sh ŋ"),
        ("I 😀 ❤️ you 👨‍👩‍👧 👍🏽 🇻🇳 5️⃣", "I you 5"),
        ("*bold* _it_ • item | ~", "bold it item"),
        ("<b>hi</b>", "b hi /b"),
        ("[a](b) {c}", "(a)(b) (c)"),
        ("¿Qué?", "Qué?"),
        ("no--yes - well-known -5 -x a- ---", "no—yes — well-known -5 x a —"),
        ("a\r\nb  c\t d", "a b c d"),
        ("I am\nNobody", "I am, Nobody"),
        ("I am\nnobody.\nWho", "I am nobody. Who"),
        ("x" * 70 + "\nWho", "x" * 70 + " Who"),
        ("٣ १२", "3 12"),
        ("π µ", "π μ"),
    ],
)
def test_a_text_in_forms_that_each_g2p_knows(text: str, expected: str) -> None:
    assert clean(text, "a") == expected


def test_a_long_number_is_read_digit_by_digit() -> None:
    assert clean("a 123456789012345 b", "a") == "a 123456789012345 b"
    assert clean("1,234,567.89", "a") == "1,234,567.89"
    assert clean("7" * 310, "a") == " ".join("7" * 310)
    assert clean("3.1415926535897932384", "a") == "3." + " ".join("1415926535897932384")


def test_what_hindi_and_chinese_need() -> None:
    assert clean("क्‍ष ठीक हूँ।", "h") == "क्‍ष ठीक हूँ."
    assert clean("1,000元", "z") == "1000元"
    assert clean("ﾊﾞﾅﾅ", "j") == "バナナ"


@given(st.text(max_size=60), st.sampled_from("abefhijpz"))
def test_cleaning_twice_changes_nothing_and_no_letter_of_ascii_is_lost(text: str, letter: str) -> None:
    once = clean(text, letter)
    assert clean(once, letter) == once
    left = iter(once)
    assert all(char in left for char in text if char.isascii() and char.isalnum())


@given(st.text(alphabet="ab .!。", max_size=300), st.integers(5, 40))
def test_stretches_joined_are_the_text_and_none_is_longer(text: str, most: int) -> None:
    found = list(stretches(text, most))
    assert "".join(found) == text
    assert all(0 < len(stretch) <= most for stretch in found)


@pytest.mark.timeout(60)  # of a pattern that looks for the line's end: hours
def test_a_long_line_takes_no_longer_than_many_short_ones() -> None:
    assert clean("a" + " " * 300_000 + "b", "a") == "a b"
    assert clean("ab" * 150_000, "a") == "ab" * 150_000
