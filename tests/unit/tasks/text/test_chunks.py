"""Chunks of a text: nothing lost, nothing twice, none too long."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from tasks.text.chunks import LEAST_CHARS, UNKNOWN_CHARS, chunk_chars, chunks, halves
from tasks.text.normalise import normalise

SENTENCE = "The fisherman had not been out on the lake since the storm. "
TEXTS = st.text(alphabet="ab cđ.!?\n*“”", max_size=600) | st.lists(
    st.sampled_from([SENTENCE, "\n\n", "Hắn vừa đi vừa chửi. ", "***\n", "word " * 30]), max_size=40
).map("".join)


def letters(text: str) -> str:
    return "".join(text.split())


@given(TEXTS, st.integers(20, 300))
@example("a" * 100, 20)
def test_chunks_lose_nothing_repeat_nothing_and_are_short_enough(text: str, limit: int) -> None:
    found = chunks(text, limit)
    assert letters("".join(found)) == letters(normalise(text))
    assert all(0 < len(chunk) <= limit for chunk in found)


def test_chunks_are_as_few_as_fit() -> None:
    text = "\n\n".join(["x" * 100] * 40)
    assert [len(chunk) for chunk in chunks(text, 500)] == [4 * 100 + 3 * 2] * 10


def test_an_edit_at_the_end_leaves_the_chunks_before_it_as_they_were() -> None:
    text = (SENTENCE * 3 + "\n\n") * 20
    before, after = chunks(text, 500), chunks(text + "One more thing. " * 3, 500)
    assert before[:-2] == after[: len(before) - 2]


def test_a_short_rest_shares_with_the_chunk_before_it() -> None:
    text = "\n\n".join(["word " * 20] * 5)
    sizes = [len(chunk) for chunk in chunks(text, 410)]
    assert len(sizes) == 2
    assert min(sizes) > 150


@given(TEXTS)
def test_halves_are_the_text_and_shorter_than_it(text: str) -> None:
    found = halves(text)
    assert letters("".join(found)) == letters(normalise(text))
    if len(found) > 1:
        assert max(map(len, found)) <= max(LEAST_CHARS, (len(text) + 1) // 2)


def test_a_chunk_is_as_long_as_the_model_reads_of_its_language() -> None:
    per_token = {"en": 4.0, "vi": 1.5}
    english, vietnamese = chunk_chars(SENTENCE, 1024, per_token), chunk_chars("Hắn vừa đi vừa chửi.", 1024, per_token)
    assert 3000 < english < 4096
    assert 1000 < vietnamese < 1536
    assert chunk_chars("Это было давно.", 1024, per_token) == vietnamese
    assert chunk_chars(SENTENCE, 0, {}) == UNKNOWN_CHARS
