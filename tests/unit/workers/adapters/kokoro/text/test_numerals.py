"""Numbers and signs of Japanese and Chinese texts lose no digit on their way into words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.adapters.kokoro.text.numerals import chinese, chinese_signs, in_kanji, japanese


@pytest.mark.parametrize(
    ("number", "kanji"),
    [("0", "ゼロ"), ("10", "十"), ("1000", "千"), ("2021", "二千二十一"), ("10000", "一万"), ("300000001", "三億一")],
)
def test_a_number_in_kanji(number: str, kanji: str) -> None:
    assert in_kanji(number) == kanji


def test_a_number_of_thirteen_digits_in_kanji() -> None:
    assert in_kanji("1234567890123") == "一兆二千三百四十五億六千七百八十九万百二十三"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("100%&$5", "100パーセントアンド5ドル"),
        ("3.14", "3点1 4"),
        ("007", "0 0 7"),
        ("10:30、2021-03-04", "10時30分、2021年3月4日"),
        ("3〜5、03-1234", "3から5、0 3 1234"),
    ],
)
def test_japanese_signs_are_words(text: str, expected: str) -> None:
    assert japanese(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("¥50，$3.5", "50元，3.5美元"),
        ("10:30 9:00 2021-03-04", "10点30分 9点整 2021年3月4日"),
        ("007 10-20，-5", "0 0 7 10 20，负5"),
    ],
)
def test_chinese_prices_dates_and_times_are_said(text: str, expected: str) -> None:
    assert chinese(text) == expected


def test_chinese_signs_and_left_digits_are_words() -> None:
    assert chinese_signs("1+1=2 @") == "一加一等于二 艾特"


@given(st.text(alphabet="0123456789-:.,年$¥% 〜", max_size=30))
def test_no_digit_is_lost(text: str) -> None:
    digits = sorted(char for char in text if char.isdigit() and char != "0")
    for made in (japanese(text), chinese(text)):
        assert sorted(char for char in made if char.isdigit() and char != "0") == digits
