"""What the splitting of a text guarantees, on any text, and what it makes of prose and verse."""

from __future__ import annotations

import subprocess
import sys
import time
import unicodedata
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.text.language import guess_language
from tasks.text.normalise import normalise
from tasks.text.split import Piece, split

ROOT = Path(__file__).resolve().parents[4]
CHI_PHEO = (ROOT / "examples" / "chi-pheo.txt").read_text(encoding="utf-8")
CHAPTER_EN = (ROOT / "examples" / "chapter-en.txt").read_text(encoding="utf-8")

# fmt: off
WORDS = st.sampled_from([
    "Hello", "nghiêng", "ThS.", "Mr.", "“Go", "now.”", '"Yes!"', "a", "…", "—", "***", "x,", "e\u0301\u0323", "(so).",
    "3.5", "\n", "\n\n", " ", "  ", "\t", "\u00a0", "\n \n", "\r\n", "。", "；", "👍🏽", "👩\u200d🚀", "\u0301", "\x0c",
    "\x00", "One end. Another begins!", "no end here", "W" * 40,
])
# fmt: on
TEXTS = st.one_of(
    st.text(max_size=400), st.lists(WORDS, max_size=120).map(" ".join), st.lists(WORDS, max_size=60).map("".join)
)
LIMITS = st.integers(1, 80)


def count_paragraphs(pieces: Iterable[Piece]) -> int:
    """How many paragraphs the pieces came from, those with nothing to speak included."""
    return sum(piece.opens_paragraph for piece in pieces)


def solid(text: str) -> str:
    return "".join(text.split())


def texts_of(text: str, max_chars: int = 256) -> list[str]:
    return [piece.text for piece in split(text, max_chars)]


@settings(max_examples=300, deadline=None)
@given(TEXTS, LIMITS)
def test_no_character_is_lost_or_repeated_and_order_is_kept(text: str, max_chars: int) -> None:
    assert solid("".join(texts_of(text, max_chars))) == solid(normalise(text))


@settings(max_examples=300, deadline=None)
@given(TEXTS, LIMITS)
def test_every_piece_fits_and_has_no_white_space_at_its_ends(text: str, max_chars: int) -> None:
    for piece in texts_of(text, max_chars):
        assert 1 <= len(piece) <= max_chars
        assert piece == piece.strip()


@settings(max_examples=300, deadline=None)
@given(TEXTS, LIMITS)
def test_the_split_of_a_piece_is_that_piece_and_of_a_text_always_the_same(text: str, max_chars: int) -> None:
    pieces = split(text, max_chars)
    assert split(text, max_chars) == pieces
    for piece in pieces:
        assert [(again.text, again.speakable) for again in split(piece.text, max_chars)] == [
            (piece.text, piece.speakable)
        ]


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_a_normalised_text_is_normal(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(["e\u0323\u0302", "x\u0323\u0301", "👍🏽", "a"]), min_size=1, max_size=60).map("".join))
def test_a_hard_cut_leaves_marks_with_their_letter(word: str) -> None:
    for piece in texts_of(word, 20):
        assert not unicodedata.combining(piece[0])
        assert piece[0] != "\U0001f3fd"


def test_a_cluster_longer_than_the_limit_is_cut_all_the_same() -> None:
    assert texts_of("x" + "\u0323" * 9, 4) == ["x\u0323\u0323\u0323", "\u0323" * 4, "\u0323" * 2]


@pytest.mark.parametrize(
    "text",
    [
        "a" * 1_000_000,
        "word " * 200_000,
        "“Hi there. " * 90_000,
        "a\n" * 500_000,
        "e" + "\u0301" * 1_000_000,
        "Hello there, my friend.\n\n" * 20_000,
    ],
    ids=["one word", "no mark", "quotes never closed", "only lines", "only marks", "20,000 paragraphs"],
)
def test_a_megabyte_of_anything_is_split_in_seconds(text: str) -> None:
    started = time.process_time()
    pieces = texts_of(text)
    assert time.process_time() - started < 5
    assert solid("".join(pieces)) == solid(normalise(text))


def test_paragraphs_end_at_blank_lines_even_where_these_hold_white_space() -> None:
    pieces = split("One.\n \t\nTwo.\n\n\n\nThree.")
    assert [piece.text for piece in pieces] == ["One.", "Two.", "Three."]
    assert all(piece.opens_paragraph for piece in pieces)
    assert count_paragraphs(pieces) == 3


def test_sentences_are_packed_and_never_cut_while_they_fit() -> None:
    pieces = split("First one here. Second one there. Third.\n\nNext.", 35)
    assert [(piece.text, piece.opens_paragraph) for piece in pieces] == [
        ("First one here. Second one there.", True),
        ("Third.", False),
        ("Next.", True),
    ]
    assert count_paragraphs(pieces) == 2


def test_a_quotation_that_fits_is_kept_whole() -> None:
    text = "He had waited for a long time. “Go. Do it now! Never mind.” She left."
    assert any("“Go. Do it now! Never mind.”" in piece for piece in texts_of(text, 38))


def test_a_quotation_that_is_too_long_is_cut_between_its_sentences_before_its_commas() -> None:
    text = "“Mr. Smith came by, and he left. He was, they say, quite well! Then, at last, we slept.”"
    assert texts_of(text, 40) == [
        "“Mr. Smith came by, and he left.",
        "He was, they say, quite well!",
        "Then, at last, we slept.”",
    ]


def test_a_long_sentence_is_cut_at_clauses_then_words_then_hard() -> None:
    assert texts_of("when the sun rose, they went out; nobody saw them", 25) == [
        "when the sun rose,",
        "they went out;",
        "nobody saw them",
    ]
    assert texts_of("no mark at all in this line", 12) == ["no mark at", "all in this", "line"]
    assert texts_of("abcdefghij", 4) == ["abcd", "efgh", "ij"]


def test_vietnamese_titles_do_not_end_a_sentence() -> None:
    text = "Hôm ấy có mặt cả ThS. Bình ở đấy. Ông không nói gì về chuyện đã qua."
    assert texts_of(text, 40) == ["Hôm ấy có mặt cả ThS. Bình ở đấy.", "Ông không nói gì về chuyện đã qua."]


def test_lines_that_were_wrapped_are_joined_and_lines_of_verse_stay() -> None:
    wrapped = (
        "It is a truth universally acknowledged, that a single man in possession\nof a good fortune must want a wife."
    )
    assert "\n" not in texts_of(wrapped)[0]
    verse = "Trăm năm trong cõi người ta,\nChữ tài chữ mệnh khéo là ghét nhau."
    assert texts_of(verse) == [verse]


def test_what_has_nothing_to_speak_is_a_piece_of_its_own_and_says_so() -> None:
    pieces = split("One.\n***\nTwo.\n\n—\n\n🙂🙂")
    assert [(piece.text, piece.speakable) for piece in pieces] == [
        ("One.", True),
        ("***", False),
        ("Two.", True),
        ("—", False),
        ("🙂🙂", False),
    ]


def test_an_empty_text_has_no_pieces() -> None:
    assert split("") == split(" \n\t\n\u3000") == []


def test_no_limit_below_one_character() -> None:
    with pytest.raises(ValueError, match="max_chars"):
        split("a", 0)


def test_the_vietnamese_example_is_split_at_sentences_and_keeps_its_verse() -> None:
    pieces = split(CHI_PHEO)
    assert count_paragraphs(pieces) == 10
    assert [piece.text for piece in pieces if not piece.speakable] == ["***"]
    prose = [piece.text for piece in pieces if piece.speakable and not piece.text.startswith("CHƯƠNG")]
    assert all(text.endswith((".", "!", "?")) for text in prose)
    assert any('"Chắc nó trừ mình ra!"' in text for text in prose)


def test_the_english_example_is_cut_only_at_the_end_of_a_sentence_or_clause() -> None:
    pieces = [piece.text for piece in split(CHAPTER_EN)][1:]
    assert all(text[-1] in ".!?,;”’" for text in pieces)


def test_the_language_of_the_examples_is_known_and_of_others_not_guessed() -> None:
    assert guess_language(CHI_PHEO) == guess_language(unicodedata.normalize("NFD", CHI_PHEO)) == "vi"
    assert guess_language(CHAPTER_EN) == "en"
    assert guess_language("Où êtes-vous allée, ma chère fenêtre à côté de l’hôtel ?") is None
    assert guess_language("Съешь ещё этих мягких французских булок") is None
    assert guess_language("1234 *** …") is None


def test_importing_the_split_is_light() -> None:
    code = "import sys, tasks.text.split; print(sorted({'torch', 'numpy', 'celery', 'workers'} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"
