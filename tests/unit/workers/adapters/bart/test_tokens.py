"""A text as tokens: what the model reads of it, and how many characters of a language a token is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.workers.adapters.bart.tiny_bart import POSITIONS
from workers.adapters.bart.tokens import SAMPLES, Tokens

TEXT = "The sea was calm, and the boat lay still upon it. "


@pytest.fixture(scope="module")
def tokenizer(bart_folder: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(str(bart_folder), local_files_only=True)


@pytest.fixture
def tokens(tokenizer: Any) -> Tokens:
    return Tokens(tokenizer, POSITIONS)


def test_a_text_that_the_model_can_read_is_read_whole(tokens: Tokens, tokenizer: Any) -> None:
    read, is_cut = tokens.of(TEXT)
    assert not is_cut
    assert (read[0], read[-1]) == (tokenizer.bos_token_id, tokenizer.eos_token_id)
    assert tokenizer.decode(read, skip_special_tokens=True) == TEXT


def test_a_longer_one_is_cut_to_what_the_model_reads_and_ends_as_any_other(tokens: Tokens, tokenizer: Any) -> None:
    read, is_cut = tokens.of(TEXT * 40)
    assert is_cut
    assert (len(read), read[-1]) == (POSITIONS, tokenizer.eos_token_id)


@pytest.mark.parametrize("hidden", ["</s>", "<s>", "<pad>", "<mask>"])
def test_a_special_token_in_a_text_is_none(tokens: Tokens, tokenizer: Any, hidden: str) -> None:
    read, _ = tokens.of(f"The sea{hidden}was calm")
    assert not {*read[1:-1]} & {*tokenizer.all_special_ids}
    assert tokenizer.decode(read, skip_special_tokens=True) == "The sea was calm"


def test_a_text_that_is_asked_for_again_is_not_read_again(tokens: Tokens) -> None:
    assert tokens.of(TEXT) is tokens.of(TEXT)


def test_a_token_is_rather_more_characters_of_a_language_than_is_said(tokens: Tokens, tokenizer: Any) -> None:
    said = tokens.per_language()
    assert set(said) == set(SAMPLES)
    for language, text in SAMPLES.items():
        inside = len(tokenizer(text)["input_ids"]) - 2  # without what begins and ends every text
        assert 0 < said[language] < len(text) / inside
