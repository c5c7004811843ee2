"""Recognises the heading of a chapter among lines of prose, in English and Vietnamese. Pure.

Knows «Chapter XIV», «PART II: The Sea», «Chương 12: Gió», «Hồi thứ nhất», «Prologue», «Mở
đầu» and the like. A lone roman number is a heading too, but a weaker one: it may number the
sections of a chapter, so it has a function of its own.
"""

from __future__ import annotations

import re

MAX_HEADING_CHARS = 120

_DIGITS = r"\d{1,4}"
_ROMAN = r"(?=[IVXLC])(?:XC|XL|L?X{0,3}|C{1,3}(?:XC|XL|L?X{0,3}))(?:IX|IV|V?I{0,3})"
_ENGLISH_WORDS = (
    r"(?:the\s+)?(?:(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:[\s-]+\w+)?"
    r"|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen"
    r"|first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|\w+teenth|last)"
)
_VIETNAMESE_WORDS = (
    r"(?:thứ\s+)?(?:(?:một|mốt|hai|ba|bốn|tư|năm|lăm|sáu|bảy|bẩy|tám|chín|mười|mươi|trăm|nhất|nhì|linh|lẻ|cuối|kết)"
    r"(?:\s+|\b))+"
)
_KEYWORD = rf"""
    (?i: (?:chapter|part|book|volume|section|act|canto) \s+ (?:{_DIGITS}\b|{_ENGLISH_WORDS}\b)
       | (?:chương|hồi|phần|quyển|tập) \s+ (?:thứ\s+)? (?:{_DIGITS}\b|{_VIETNAMESE_WORDS})
       | (?:chapter|part|book|volume|section|act|canto|chương|hồi|phần|quyển|tập) \s+ (?:thứ\s+)? (?-i:{_ROMAN}\b)
       | prologue\b | epilogue\b | foreword\b | preface\b | introduction\b | afterword\b | interlude\b
       | (?:lời\s+)?mở\s+đầu\b | lời\s+(?:nói\s+đầu|giới\s+thiệu|tựa|kết|bạt)\b | vĩ\s+thanh\b | ngoại\s+truyện\b )
"""
# Behind the number stands nothing, a mark, or a title that begins with a capital or a quote:
# «Chapter Two was the best» is prose.
_REST = r"""(?P<rest> \s*[.:–—-]\s*.* | \s+["“«(\[]?[A-ZÀ-ÖØ-ÞĂĐĨŨƠƯẠ-Ỹ\d].* | \s*) $"""
_NUMBERED = re.compile(rf"^ {_KEYWORD} {_REST}", re.VERBOSE)
_LONE_ROMAN = re.compile(rf"^{_ROMAN}\.?$")


def is_heading(line: str) -> bool:
    """Whether a line that opens a block says of itself that it opens a chapter or a part."""
    line = line.strip()
    if not line or len(line) > MAX_HEADING_CHARS:
        return False
    found = _NUMBERED.match(line)
    if not found:
        return False
    rest = found["rest"].strip()
    # Ẹ–Ỹ mixes both cases, so the first letter is looked at once more.
    return not rest or not rest[0].islower()


def is_lone_roman(line: str) -> bool:
    """Whether the line is nothing but a roman number."""
    return bool(_LONE_ROMAN.match(line.strip()))
