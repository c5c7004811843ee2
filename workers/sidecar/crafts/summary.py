"""Summaries: a text becomes a shorter one, in a file of UTF-8."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tasks.errors import ModelError
from tasks.messages import SummaryPartRequest
from tasks.messages.summary import SUMMARY
from tasks.store.names import JSON
from workers.adapters.outputs import Written
from workers.sidecar.crafts.base import SlotCraft
from workers.sidecar.crafts.examples import Examples, Fields, text_for

if TYPE_CHECKING:
    from workers.adapters.base import AnyAdapter, Offer
    from workers.sidecar.crafts.base import KnownModel


class SummaryCraft(SlotCraft[SummaryPartRequest, Written]):
    """`summary.part`."""

    craft = SUMMARY
    extension = "txt"

    def ready(self, model: KnownModel, request: SummaryPartRequest) -> SummaryPartRequest:
        """The text without white space at its ends."""
        return request.model_copy(update={"text": request.text.strip()})

    def encode(self, made: Written) -> tuple[bytes, Mapping[str, JSON]]:
        """The text in UTF-8; its number of characters, the number of tokens read, and whether the input was cut."""
        details = {"chars": len(made.text), "tokens_read": made.tokens_read, "is_cut": made.is_cut}
        return made.text.encode(), details

    def examples(self, adapter: AnyAdapter, offer: Offer) -> Examples:
        """Short texts, one of them with a length of its own; one that is too long for most models, and one of signs."""
        texts = text_for("en")
        good: list[Fields] = [
            {"text": " ".join(texts)},
            {"text": texts[0]},
            {"text": texts[1], "max_length": 12, "min_length": 2},
        ]
        return Examples(good, [{"text": text} for text in ("😀", f"{texts[0]} " * 400)], [{"text": ""}])

    def seen(self, made: Written) -> JSON:
        """Its text, and how much was read; raises `ModelError` for what is no text."""
        if not isinstance(made, Written) or not isinstance(made.text, str):
            raise ModelError(f"it is no Written with a text, but {type(made).__name__}")
        return {"text": made.text, "tokens_read": made.tokens_read, "is_cut": made.is_cut}


CRAFT = SummaryCraft()
