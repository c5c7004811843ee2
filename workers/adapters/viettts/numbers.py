"""Writes numbers in a Vietnamese text as words: 2.500.000 -> hai triệu năm trăm nghìn. Pure.

VietTTS uses it if vinorm is not installed. It reads whole numbers, decimals (3,5), per cent
and dates (12/8/2019), and does not change anything else:
units, abbreviations, Roman numerals and times.
"""

from __future__ import annotations

import re

DIGITS = ("không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín")
SCALES = ("", "nghìn", "triệu")
MOST_DIGITS = 15
"""A longer number is an account or serial number: it is read digit by digit, like one that begins with zero."""

_DATE = re.compile(r"(?<!\d)(0?[1-9]|[12]\d|3[01])/(0?[1-9]|1[0-2])/(\d{4})(?!\d)")
_NUMBER = re.compile(r"\d{1,3}(?:\.\d{3})+(?!\d)(?:,\d+)?|\d+(?:,\d+)?")


def in_words(text: str) -> str:
    """The text with its numbers written out, and per cent signs after them."""
    text = _DATE.sub(lambda date: f"{_whole(date[1])} tháng {_whole(date[2])} năm {_whole(date[3])}", text)
    text = _NUMBER.sub(lambda number: f" {_number(number[0])} ", text)
    text = re.sub(r"\s*%", " phần trăm ", text)
    text = re.sub(r" +([.,;:!?…])", r"\1", text)
    return re.sub(r" +", " ", text).strip()


def _number(written: str) -> str:
    whole, _, decimals = written.replace(".", "").partition(",")
    said = _one_by_one(whole) if len(whole) > MOST_DIGITS or (whole[0] == "0" and len(whole) > 1) else _whole(whole)
    if not decimals:
        return said
    return f"{said} phẩy {_one_by_one(decimals) if decimals[0] == '0' or len(decimals) > 2 else _whole(decimals)}"


def _one_by_one(digits: str) -> str:
    return " ".join(DIGITS[int(digit)] for digit in digits)


def _whole(written: str) -> str:
    """A whole number in words: groups of three, and those of nine counted in tỷ."""
    number = int(written)
    if number == 0:
        return DIGITS[0]
    billions, rest = divmod(number, 10**9)
    words = [f"{_whole(str(billions))} tỷ"] if billions else []
    for scale in (2, 1, 0):
        group = rest // 1000**scale % 1000
        if group:
            words.append(f"{_group(group, leads=not words)} {SCALES[scale]}".strip())
    return " ".join(words)


def _group(group: int, leads: bool) -> str:
    """1 to 999; a group that is not the first one also has its zero hundreds and tens as words."""
    hundreds, tens, units = group // 100, group // 10 % 10, group % 10
    words = []
    if hundreds or not leads:
        words.append(f"{DIGITS[hundreds]} trăm")
    if tens > 1:
        words.append(f"{DIGITS[tens]} mươi")
    elif tens == 1:
        words.append("mười")
    elif units and words:
        words.append("linh")
    if units:
        after_tens = {1: "mốt", 4: "tư", 5: "lăm"} if tens > 1 else {5: "lăm"} if tens == 1 else {}
        words.append(after_tens.get(units, DIGITS[units]))
    return " ".join(words)
