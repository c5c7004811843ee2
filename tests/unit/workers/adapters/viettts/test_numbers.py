"""Numbers in a Vietnamese text are read as they are said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.adapters.viettts.numbers import in_words


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("0", "không"),
        ("5 10 11 15", "năm mười mười một mười lăm"),
        ("21 24 25 55", "hai mươi mốt hai mươi tư hai mươi lăm năm mươi lăm"),
        ("101 110 105", "một trăm linh một một trăm mười một trăm linh năm"),
        ("1941", "một nghìn chín trăm bốn mươi mốt"),
        ("2024", "hai nghìn không trăm hai mươi tư"),
        ("1.000.001", "một triệu không trăm linh một"),
        ("2.500.000", "hai triệu năm trăm nghìn"),
        ("3000000000", "ba tỷ"),
        ("0912", "không chín một hai"),
        ("3,5%", "ba phẩy năm phần trăm"),
        ("3,14 và 0,05", "ba phẩy mười bốn và không phẩy không năm"),
        ("hôm 12/8/2019.", "hôm mười hai tháng tám năm hai nghìn không trăm mười chín."),
        ("Chương 7: Bến sông", "Chương bảy: Bến sông"),
        ("không có số", "không có số"),
    ],
)
def test_a_number_is_read_as_it_is_said(written: str, said: str) -> None:
    assert in_words(written) == said


@given(st.integers(0, 10**21))
def test_no_digit_is_left_of_any_number(number: int) -> None:
    assert not any(character.isdigit() for character in in_words(f"a {number} b"))
