"""A token speaks if it has a symbol that is no pause."""

from __future__ import annotations

from workers.adapters.kokoro.text.tokens import Token


def test_a_mark_and_a_space_do_not_speak() -> None:
    assert not Token("… ", "… ").speaks
    assert not Token("$", "").speaks
    assert Token("a ", "ə ").speaks


def test_several_words_in_a_token_are_not_one_word() -> None:
    assert Token("$3.50 ", "θɹˈi dˈɑləɹz ").is_one_word
    assert not Token("el 3/4 ", "el tɾˈes ").is_one_word
    assert not Token(", ", ", ").is_one_word
