"""Pieces lose nothing, fit the model, and are cut where a reader would pause."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from workers.adapters.kokoro.text.splitting import LONG, MOST, SHORT, split
from workers.adapters.kokoro.text.tokens import Token

MARKS = [". ", ", ", "… ", "; ", "”", "“", "(", ") ", "? ", "—", " — ", "! "]


def words(count: int, after: str = ", ", length: int = 5) -> list[Token]:
    """That many words of `length` phonemes, each followed by a mark."""
    return [each for _ in range(count) for each in (Token("w" * length, "a" * length), Token(after, after))]


def drawn_token(text: str, space: str) -> Token:
    return Token(text + space, text + space)


tokens = st.lists(
    st.one_of(
        st.builds(
            drawn_token,
            st.text("abˈː", min_size=1, max_size=12).filter(lambda word: word.strip("ˈː")),
            st.sampled_from(["", " "]),
        ),
        st.builds(lambda mark: Token(mark, mark), st.sampled_from(MARKS)),
        st.builds(lambda length: drawn_token("x" * length, " "), st.integers(200, 1300)),
        st.builds(lambda count: Token("9" * count + " ", "nˈIn " * count), st.integers(1, 300)),
        st.just(Token("$", "")),
    ),
    max_size=60,
)


def without_space(parts: Sequence[str]) -> str:
    return "".join("".join(parts).split())


@given(tokens)
def test_the_pieces_joined_are_the_text_and_its_phonemes_and_each_fits_the_model(found: list[Token]) -> None:
    pieces = split(found)
    assert bool(pieces) == any(token.speaks for token in found)
    for piece in pieces:
        assert 0 < len(piece.phonemes) <= MOST
        assert piece.phonemes == piece.phonemes.strip()
        assert Token(piece.text, piece.phonemes).speaks
    if pieces:
        assert without_space([piece.text for piece in pieces]) == without_space([token.text for token in found])
        sounds = [
            [char for char in part if char not in "".join(MARKS)]
            for part in ("".join(piece.phonemes for piece in pieces), "".join(token.phonemes for token in found))
        ]
        assert sounds[0] == sounds[1]


@given(tokens)
def test_words_are_stretches_of_their_piece_in_order(found: list[Token]) -> None:
    for piece in split(found):
        end = 0
        for word in piece.words:
            assert end <= word.start < word.end <= len(piece.phonemes)
            assert not piece.phonemes[word.start : word.end].startswith(" ")
            end = word.end


def test_short_sentences_are_spoken_together_and_long_texts_in_pieces_of_whole_sentences() -> None:
    sentence = [*words(7), Token("end", "end"), Token(". ", ". ")]
    pieces = split(sentence * 12)
    assert all(piece.phonemes.endswith("end.") for piece in pieces)
    assert all(SHORT <= len(piece.phonemes) <= LONG for piece in pieces)


def test_a_long_sentence_is_cut_at_a_comma_before_it_is_cut_between_words() -> None:
    sentence = [*[Token("word ", "wɜɹd ")] * 35, *words(1), *[Token("word ", "wɜɹd ")] * 70]
    first, *_ = split(sentence)
    assert first.phonemes.endswith(",")


def test_text_without_any_mark_is_cut_between_words() -> None:
    pieces = split([Token("word ", "wɜɹd ")] * 1000)
    assert " ".join(piece.text for piece in pieces).split() == ["word"] * 1000
    assert max(len(piece.phonemes) for piece in pieces) <= MOST


def test_a_word_without_end_is_cut_inside_but_not_between_a_sound_and_its_length() -> None:
    pieces = split([Token("x" * 400, "ˈɛː" * 400)])
    assert "".join(piece.phonemes for piece in pieces) == "ˈɛː" * 400
    assert all(piece.phonemes[0] == "ˈ" and piece.phonemes[-1] == "ː" for piece in pieces)
    assert "".join(piece.text for piece in pieces) == "x" * 400


def test_marks_alone_are_nothing_to_speak_and_many_of_them_are_few() -> None:
    assert split([Token("... ", "... ")]) == ()
    (piece,) = split([Token("No", "nˈO"), *[Token("!", "!")] * 900])
    assert piece.phonemes == "nˈO!!!!"


def test_a_word_of_several_tokens_is_one_word_and_its_marks_are_not_its_own() -> None:
    (piece,) = split(
        [Token("“", "“"), Token("H", "ˈAʧ"), Token("2", "tʊ"), Token("O", "ˈO"), Token("” ", "” "), Token("is", "ɪz")]
    )
    assert [(word.text, piece.phonemes[word.start : word.end]) for word in piece.words] == [
        ("H2O", "ˈAʧtʊˈO"),
        ("is", "ɪz"),
    ]


def test_where_one_word_is_not_known_none_is_named() -> None:
    (piece,) = split([Token("el ", "el "), Token("3/4 a", "tɾˈes a")])
    assert piece.words == ()
