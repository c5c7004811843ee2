"""A line is a heading or prose, by its own words."""

from __future__ import annotations

import pytest

from producer.books.formats.headings import is_heading, is_lone_roman

HEADINGS = """CHƯƠNG I|Chương 12: Gió lạnh|Chương 12 Gió|CHAPTER XIV|Chapter One|CHAPTER THE FIRST|PART II
Part II: The Sea|Chapter 3. Home|Chapter Twenty-One|Hồi thứ nhất|Hồi thứ mười hai: Ra đi|Chương Một|Chương mười một
PHẦN THỨ HAI|Mở đầu|PROLOGUE|Epilogue|Lời nói đầu|CHƯƠNG I - Ở LÀNG|CHAPTER I.|Chapter 10—Home|Chapter 4 “Go”"""
PROSE = """Chapter Two was the best.|Part of the reason|Book one of them now|chapter after chapter|Hồi ấy hắn còn trẻ
Phần tôi, tôi đi|Introduction of the new|Chương trình hai|Tập hai người|I am|Mở đầu câu chuyện hắn nói|Chapter X was"""


@pytest.mark.parametrize("line", HEADINGS.replace("\n", "|").split("|"))
def test_a_line_that_says_so_is_a_heading(line: str) -> None:
    assert is_heading(line)


@pytest.mark.parametrize("line", PROSE.replace("\n", "|").split("|"))
def test_a_line_of_prose_is_no_heading(line: str) -> None:
    assert not is_heading(line)
    assert not is_lone_roman(line)


@pytest.mark.parametrize("line", ["I", "XIV.", "  IV "])
def test_a_lone_roman_number_is_no_heading_by_itself(line: str) -> None:
    assert is_lone_roman(line)
    assert not is_heading(line)
