"""A text in a script that the language does not speak is refused, and names are let through."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tasks.errors import InvalidInput
from workers.adapters.kokoro.text.scripts import check_text, is_vietnamese, script_of

CHI_PHEO = Path(__file__).resolve().parents[6] / "examples/chi-pheo.txt"


@pytest.mark.parametrize(
    ("letter", "script"),
    [
        ("a", "Latin"),
        ("Ａ", "Latin"),
        ("你", "Han"),
        ("々", "Han"),
        ("ー", "Katakana"),
        ("ｶ", "Katakana"),
        ("ひ", "Hiragana"),
        ("ж", "Cyrillic"),
        ("न", "Devanagari"),
        ("π", "Greek"),
        ("한", "Hangul"),
        ("ʰ", ""),
        ("𝐛", ""),
        ("ª", ""),
    ],
)
def test_the_script_of_a_letter(letter: str, script: str) -> None:
    assert script_of(letter) == script


@pytest.mark.parametrize(
    ("language", "text", "named"),
    [
        ("a", "Hello 你好", "«你» (Han) is not spoken in American English"),
        ("e", "Привет", "«П» (Cyrillic) is not spoken in Spanish"),
        ("j", "こんにちは नमस्ते", "«न» (Devanagari) is not spoken in Japanese"),
        ("z", "你好こ", "«こ» (Hiragana) is not spoken in Mandarin Chinese"),
        ("z", "안녕", "«안» (Hangul)"),
        ("h", "नमस्ते 世界", "«世» (Han) is not spoken in Hindi"),
        ("f", "le λόγος", "«ό» (Greek) is not spoken in French"),
    ],
)
def test_the_first_letter_of_another_script_is_named_with_the_language(language: str, text: str, named: str) -> None:
    with pytest.raises(InvalidInput, match=re.escape(named)):
        check_text(language, text)


def test_the_voice_is_named_where_it_is_known() -> None:
    with pytest.raises(InvalidInput, match=r"American English \(voice af_heart\)"):
        check_text("a", "你", "af_heart")


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("a", "The angle α and 5 µm; café, Øre, 𝐛𝐨𝐥𝐝 and ﬁne — ok? 😀"),
        ("h", "नमस्ते, computer और १२३।"),
        ("j", "iPhoneを買った、々。ｶﾀｶﾅー"),
        ("z", "我买了iPhone 15，繁體。"),
        ("a", "Nguyễn Thị Minh Khai went to Đà Nẵng and Huế for phở."),
        ("a", "Nguyễn Thị Minh Khai"),
    ],
)
def test_what_the_language_speaks_is_let_through(language: str, text: str) -> None:
    check_text(language, text)


def test_vietnamese_sentences_are_told_from_names() -> None:
    sentences = [each for each in re.split(r"(?<=[.!?…])\s+", CHI_PHEO.read_text()) if len(each.split()) >= 4]
    found = sum(map(is_vietnamese, sentences))
    assert found >= 0.95 * len(sentences)
    assert is_vietnamese("CHƯƠNG MỘT")
    with pytest.raises(InvalidInput, match="is Vietnamese, which is not spoken in Italian"):
        check_text("i", sentences[0])
