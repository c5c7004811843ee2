"""Numbers and signs of Japanese and Chinese texts, in forms that their G2Ps read whole. Pure.

misaki reads 007 as 7, and says an English sentence for a Japanese number of ten digits or more; cn2an reads the hyphens
of 2021-03-04 as minus. No number that stays here has a leading zero.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_ISO_DATE = re.compile(r"(?<!\d)(\d{4})-(\d{1,2})-(\d{1,2})(?!\d)")
_TIME = re.compile(r"(?<![\d:])(\d{1,2}):(\d{2})(?![\d:])")
_RANGE = re.compile(r"〜(?=\d)")
_HYPHEN = re.compile(r"(?<=\d)-(?=\d)")
_MINUS = re.compile(r"-(?=\d)")
_WITH_ZERO = re.compile(r"(?<![\d.])0\d+")
_DECIMAL = re.compile(r"(?<![\d.])(\d+)\.(\d+)(?![\d.])")
_KANJI = "零一二三四五六七八九"

JAPANESE = {
    **{"%": "パーセント", "&": "アンド", "@": "アットマーク", "+": "プラス", "=": "イコール", "/": "スラッシュ"},
    **{"#": "シャープ", "$": "ドル", "€": "ユーロ", "£": "ポンド", "¥": "円", "℃": "度", "°": "度", "№": "ナンバー"},
    **{
        "½": "2分の1",
        "¼": "4分の1",
        "¾": "4分の3",
        "²": "2",
        "³": "3",
        "×": "かける",
        "÷": "わる",
        "±": "プラスマイナス",
    },
    **{"\\": "バックスラッシュ", "©": "コピーライト", "®": "アール", "™": "ティーエム", "§": "セクション"},
}
"""What a sign is called; a sign that is not here has no sound."""

CHINESE = {
    **{"&": "和", "@": "艾特", "+": "加", "=": "等于", "/": "斜杠", "#": "井号", "%": "百分号", "‰": "千分号"},
    **{"$": "美元", "€": "欧元", "£": "英镑", "¥": "元", "℃": "摄氏度", "°": "度", "№": "号", "×": "乘", "÷": "除以"},
    **{"½": "二分之一", "¼": "四分之一", "¾": "四分之三", "²": "2", "³": "3", "±": "正负", "\\": "反斜杠", "§": "节"},
    **{"©": "版权", "®": "注册商标", "™": "商标"},
}

_PRICE = re.compile(r"([$€£¥])\s?(\d[\d.]*\d|\d)")


def japanese(text: str) -> str:
    """The text with its signs, dates, times and decimals as they are said; its numbers have digits only."""
    text = _RANGE.sub("から", _TIME.sub(r"\1時\2分", _ISO_DATE.sub(_date, text)))
    text = _named(_PRICE.sub(r"\2\1", text), JAPANESE)
    text = _DECIMAL.sub(lambda found: f"{found[1]}点{' '.join(found[2])}", _HYPHEN.sub(" ", text))
    return _digits(text)


def chinese(text: str) -> str:
    """The text with its prices, dates and times as they are said; percent signs and fractions are left to cn2an."""
    text = _TIME.sub(_chinese_time, _ISO_DATE.sub(_date, text))
    text = _HYPHEN.sub(" ", _PRICE.sub(lambda found: found[2] + CHINESE[found[1]], text))
    return _digits(_MINUS.sub("负", text))


def chinese_signs(text: str) -> str:
    """The text with its signs, and the digits that cn2an left, in words."""
    return _named(text, CHINESE | dict(zip("0123456789", _KANJI, strict=True)))


def _named(text: str, names: Mapping[str, str]) -> str:
    return "".join(names.get(char, char) for char in text)


def _date(found: re.Match[str]) -> str:
    return f"{found[1]}年{int(found[2])}月{int(found[3])}日"


def _chinese_time(found: re.Match[str]) -> str:
    return f"{int(found[1])}点" + (f"{int(found[2])}分" if int(found[2]) else "整")


def _digits(text: str) -> str:
    """Numbers with a leading zero (007) digit by digit."""
    return _WITH_ZERO.sub(lambda found: " ".join(found[0]), text)


def in_kanji(number: str) -> str:
    """A whole number of at most 16 digits as it is written in kanji; MeCab knows how 四日 and 三百 are said."""
    value = int(number)
    parts = (
        (value // 10**12, "兆"),
        (value // 10**8 % 10**4, "億"),
        (value // 10**4 % 10**4, "万"),
        (value % 10**4, ""),
    )
    return "".join(_thousands(part) + unit for part, unit in parts if part) or "ゼロ"


def _thousands(value: int) -> str:
    digits = ((value // 1000, "千"), (value // 100 % 10, "百"), (value // 10 % 10, "十"), (value % 10, ""))
    return "".join(("" if digit == 1 and unit else _KANJI[digit]) + unit for digit, unit in digits if digit)
