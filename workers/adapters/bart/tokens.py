"""The tokens of a text, cached for a moment: they are needed to group texts, and again to run them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

TEXTS_KEPT = 256

SAMPLES = {
    "en": "The old fisherman had not been out on the lake since the storm took his brother's boat in November, and now "
    "he stood quietly upon the shore, counting the lanterns that moved along the opposite bank.",
    "vi": "Ông lão đánh cá đã không ra hồ kể từ khi cơn bão cuốn mất chiếc thuyền của em trai ông vào tháng mười một, "
    "và giờ đây ông lặng lẽ đứng trên bờ, đếm những ngọn đèn lồng di chuyển dọc theo bờ bên kia.",
}
"""Sample texts that measure the characters per token of each language."""


class Tokens:
    """Makes tokens with a tokenizer of transformers; at most `positions` per text, which is what the model reads."""

    def __init__(self, tokenizer: Any, positions: int) -> None:
        self._tokenizer = tokenizer
        self._positions = positions
        self.of = lru_cache(TEXTS_KEPT)(self._of)
        """The tokens of a text that the model reads, and whether the text has more."""

    def per_language(self) -> dict[str, float]:
        """Characters per token of a text in each language.

        The tokens for begin and end count too, so the value is a little too small.
        """
        return {language: len(text) / max(1, len(self._all(text))) for language, text in SAMPLES.items()}

    def _of(self, text: str) -> tuple[Sequence[int], bool]:
        for token in self._tokenizer.all_special_tokens:
            text = text.replace(token, " ")  # `</s>` in a text must not end it
        tokens = self._all(text)
        is_cut = len(tokens) > self._positions
        if is_cut:
            tokens = self._tokenizer(text, truncation=True, max_length=self._positions)["input_ids"]
        return tokens, is_cut

    def _all(self, text: str) -> Sequence[int]:
        tokens: Sequence[int] = self._tokenizer(text, verbose=False)["input_ids"]
        return tokens
