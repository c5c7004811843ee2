"""The measure of all tests here: it counts what is heard wrong, and nothing else. No sound is made."""

from __future__ import annotations

import pytest

from tests.fixtures.hearing import HeardWord, error_rate, time_differences

pytestmark = pytest.mark.models  # jiwer and Whisper's normaliser


@pytest.mark.parametrize(
    ("language", "text", "heard"),
    [
        ("en", "“Number Twenty,” said Mr. Grey; “don’t go!”", "number 20 said mister gray don't go"),
        ("fr", "Où va l’homme, à pied ?", "où va l'homme à pied"),
        ("ja", "昨日の朝、雨が降った。", "昨日の朝 雨が降った"),
    ],
)
def test_spelling_case_and_punctuation_are_no_errors(language: str, text: str, heard: str) -> None:
    assert error_rate(text, heard, language) == 0.0


@pytest.mark.parametrize(
    ("language", "text", "heard", "rate"),
    [
        ("en", "one house two trees three dogs", "one house two trees", 2 / 6),
        ("es", "la casa, el árbol y el año", "la casa el arbol y el ano", 2 / 7),
        ("en", "I don’t know him", "I do know him", 1 / 5),  # its normaliser writes do not
        ("ja", "昨日の朝、雨が降った。", "昨日の雨が降った", 1 / 9),
    ],
)
def test_what_is_left_out_or_wrong_counts(language: str, text: str, heard: str, rate: float) -> None:
    assert error_rate(text, heard, language) == pytest.approx(rate)


def test_times_are_compared_of_words_that_were_heard_as_told() -> None:
    heard = [HeardWord("The", 0.0, 0.2), HeardWord("cold", 0.2, 0.6), HeardWord("sea.", 0.6, 1.0)]
    told = [("The", 0.0, 0.3), ("old", 0.3, 0.5), ("sea", 0.7, 1.0)]
    assert time_differences(heard, told, "en") == pytest.approx([0.05, 0.05])
