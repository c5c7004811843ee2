"""Pieces have the spelling of their text, whatever cleaning has made of it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from workers.adapters.kokoro.prepared import Piece, Word
from workers.adapters.kokoro.text.cleaning import clean
from workers.adapters.kokoro.text.written import as_written


def pieces_of(text: str, letter: str, *cuts: int) -> list[Piece]:
    """The cleaned text in pieces of its words; the sounds do not matter here."""
    words = clean(text, letter).split()
    ends = [*cuts, len(words)]
    return [
        Piece(" ".join(words[start:end]), "a", tuple(Word(word, 0, 1) for word in words[start:end]))
        for start, end in zip([0, *ends], ends, strict=False)
    ]


def test_marks_letters_and_pictures_are_those_of_the_text() -> None:
    text = "Nguyễn said: “I don’t 😀 know…”"
    first, second = as_written(pieces_of(text, "a", 2), text, "a")
    assert (first.text, second.text) == ("Nguyễn said:", "“I don’t know…”")
    assert [word.text for word in (*first.words, *second.words)] == ["Nguyễn", "said:", "“I", "don’t", "know…”"]


def test_a_line_of_verse_has_no_comma_that_was_not_written() -> None:
    text = "I am\nNobody"
    (piece,) = as_written(pieces_of(text, "a"), text, "a")
    assert piece.text == "I am Nobody"


def test_a_long_number_is_one_again() -> None:
    text = "a " + "7" * 20
    (piece,) = as_written(pieces_of(text, "a"), text, "a")
    assert piece.text == text


def test_what_cannot_be_found_again_stays_as_it_is() -> None:
    pieces = [Piece("100パーセント", "a")]
    assert as_written(pieces, "100%", "j") == tuple(pieces)


@given(st.lists(st.text("aé’ễ…“ﬁ,😀", min_size=1, max_size=5), min_size=1, max_size=9), st.integers(0, 8))
def test_letters_are_neither_lost_nor_doubled(words: list[str], cut: int) -> None:
    text = " ".join(words)
    pieces = pieces_of(text, "a", min(cut, len(clean(text, "a").split())))
    restored = " ".join(piece.text for piece in as_written(pieces, text, "a"))
    assert [char for char in restored if char in "aéễﬁ"] == [char for char in text if char in "aéễﬁ"]
