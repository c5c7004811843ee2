"""Summaries: a text becomes a shorter one, in a file of UTF-8."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tasks.messages import SummaryPartRequest
from tasks.messages.summary import SUMMARY
from tasks.store.names import JSON
from workers.adapters.outputs import Written
from workers.sidecar.crafts.base import SlotCraft

if TYPE_CHECKING:
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


CRAFT = SummaryCraft()
