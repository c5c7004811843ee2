"""What every format is read into: titles and letters cleaned."""

from __future__ import annotations

from producer.books.formats.book import MAX_TITLE_CHARS, Chapter, clean, has_words, join_titles, title_of


def test_signs_that_are_not_shown_are_taken_out() -> None:
    assert clean("co\u00adop\u200b \ufeffhere") == "coop here"


def test_a_title_is_one_short_line() -> None:
    assert title_of("The\n  Sea ") == "The Sea"
    long = title_of("word " * 100)
    assert len(long) <= MAX_TITLE_CHARS
    assert long.endswith("…")


def test_titles_are_joined_without_the_empty_ones() -> None:
    assert join_titles("Part Two", "", "Chapter I") == "Part Two: Chapter I"
    assert join_titles("", "") == ""


def test_a_chapter_of_signs_alone_has_no_words() -> None:
    assert has_words(Chapter("One", "One."))
    assert not has_words(Chapter("", "* * *"))
