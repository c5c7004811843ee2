"""Which pieces of a text VietTTS is given: nothing that it cannot say, and nothing too long."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from workers.adapters.viettts.sentences import cut, sentences, without_special_tokens


@given(st.text("<|>viet ", max_size=40))
def test_nothing_that_opens_a_special_token_is_left(text: str) -> None:
    assert "<|" not in without_special_tokens(text)


@given(st.text("ab ,–", max_size=120), st.integers(1, 12))
def test_cutting_loses_no_letter_and_keeps_to_the_most_that_is_allowed(text: str, most: int) -> None:
    pieces = cut(text, len, most)
    assert "".join("".join(pieces).split()) == "".join(text.split())
    assert all(len(piece) <= most for piece in pieces)


def test_a_sentence_is_cut_at_its_commas_before_it_is_cut_between_words() -> None:
    def words(text: str) -> int:
        return len(text.split())

    assert cut("Hắn chửi trời, rồi hắn chửi đời, thế cũng chẳng sao", words, 5) == [
        "Hắn chửi trời,",
        "rồi hắn chửi đời,",
        "thế cũng chẳng sao",
    ]
    assert cut("a b c d e f", words, 4) == ["a b c d", "e f"]


def test_pieces_without_a_letter_are_left_out() -> None:
    split: Callable[[str], list[str]] = lambda text: text.split(";")  # noqa: E731
    assert sentences("a; — ;b", lambda text: text, split, len) == ["a", "b"]
    assert sentences("…", lambda text: text, split, len) == []
