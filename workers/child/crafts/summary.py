"""Summaries: a text becomes a shorter one, in a file of UTF-8."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tasks.messages import SummaryPartRequest
from tasks.messages.summary import SUMMARY
from tasks.store.names import JSON
from workers.adapters.outputs import Written
from workers.child.crafts.base import SlotCraft

if TYPE_CHECKING:
    from workers.child.models.base import LoadedModel


class SummaryCraft(SlotCraft[SummaryPartRequest, Written]):
    """`summary.part`."""

    craft = SUMMARY
    extension = "txt"

    def ready(self, model: LoadedModel, request: SummaryPartRequest) -> SummaryPartRequest:
        """The text without the space around it."""
        return request.model_copy(update={"text": request.text.strip()})

    def encode(self, made: Written) -> tuple[bytes, Mapping[str, JSON]]:
        """The text in UTF-8; how many characters it has, how many tokens were read for it, and whether that was all."""
        details = {"chars": len(made.text), "tokens_read": made.tokens_read, "is_cut": made.is_cut}
        return made.text.encode(), details


CRAFT = SummaryCraft()
