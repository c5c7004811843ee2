"""Texts in requests: of which form they are, and when they go to the store."""

from __future__ import annotations

import pytest

from tasks.errors import InvalidInput
from tasks.messages import (
    INLINE_TEXT_BYTES,
    BookRequest,
    ChapterRequest,
    MapRequest,
    ParagraphRequest,
    SummaryTextsRequest,
)
from tasks.messages.texts import SomeText, TextOrRef, texts_by_reference

LONG = "Dài. " * INLINE_TEXT_BYTES


class Shelf:
    """A store that remembers."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def put(self, text: str) -> str:
        self.texts.append(text)
        return f"text/{len(self.texts)}.txt"


def test_a_long_text_is_put_away_once_and_a_short_one_stays() -> None:
    shelf = Shelf()
    short = ChapterRequest(model="m", text="Short.")
    assert short.by_reference(shelf.put) is short
    put = ChapterRequest(model="m", text=LONG, title="T").by_reference(shelf.put)
    assert (put.text, put.text_ref, put.title) == (None, "text/1.txt", "T")
    assert put.by_reference(shelf.put) is put
    assert len(shelf.texts) == 1
    assert put.whole_text(lambda name: f"read from {name}") == "read from text/1.txt"
    assert short.whole_text(lambda name: "") == "Short."


def test_texts_that_are_long_together_are_all_put_away_but_empty_ones() -> None:
    shelf = Shelf()
    half = "x" * (INLINE_TEXT_BYTES // 2)
    fits = [SomeText(text=half), SomeText(text=half)]
    assert texts_by_reference(fits, shelf.put) is None
    book = BookRequest.parse({"model": "m", "chapters": [{"text": half}, {"text": ""}, {"text": half}, {"text": "1"}]})
    put = book.by_reference(shelf.put)
    assert [(one.text, one.text_ref) for one in put.chapters] == [
        (None, "text/1.txt"), ("", None), (None, "text/2.txt"), (None, "text/3.txt"),
    ]  # fmt: skip


def test_a_text_is_given_in_one_form_and_only_some_may_be_empty() -> None:
    assert TextOrRef.parse({"text": ""}).text == ""
    with pytest.raises(InvalidInput, match="^text: is empty$"):
        SomeText.parse({"text": " \n"})
    for fields in ({}, {"text": "a", "text_ref": "b"}):
        with pytest.raises(InvalidInput, match="^text: give it, or text_ref, and not both$"):
            TextOrRef.parse(fields)


def test_the_sizes_of_a_request_are_those_of_its_texts_where_it_has_them_all() -> None:
    assert list(ChapterRequest(model="m", text="four").input_sizes()) == [4]
    assert list(ChapterRequest(model="m", text_ref="text/1.txt").input_sizes()) == []
    book = {"model": "m", "chapters": [{"text": "one"}, {"text": ""}]}
    assert list(BookRequest.parse(book).input_sizes()) == [3, 0]
    book["chapters"] = [{"text": "one"}, {"text_ref": "text/1.txt"}]
    assert list(BookRequest.parse(book).input_sizes()) == []
    assert list(
        SummaryTextsRequest.parse({"model": "m", "texts": [{"text": "four"}, {"text": "a"}]}).input_sizes()
    ) == [4, 1]
    assert list(MapRequest.parse({"model": "m", "inputs": [{"text": "four", "speed": 2}, {}]}).input_sizes()) == [4, 0]
    assert ParagraphRequest(model="m", text="seven c", voice="vi").input_size() == 7
