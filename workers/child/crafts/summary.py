"""Summaries: a text becomes a shorter one, in a file of UTF-8."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tasks.errors import InvalidInput
from tasks.flow.payloads import input_fields
from tasks.messages import SummaryPartRequest
from tasks.store.names import JSON
from tasks.text.levels import node_of
from workers.adapters.base import TextInput, Written
from workers.child.crafts.base import Craft

if TYPE_CHECKING:
    from tasks.flow.ledger.record import Taken
    from workers.child.models.base import LoadedModel


class Summary(Craft[SummaryPartRequest, TextInput, Written]):
    """`summary.part`."""

    kind = "summary"
    extension = "txt"

    def asked(self, fields: Mapping[str, Any]) -> SummaryPartRequest:
        """The task's fields, checked."""
        return SummaryPartRequest.parse(dict(fields))

    def asked_of_part(self, taken: Taken) -> SummaryPartRequest:
        """The part's text, summarised as its whole job is, or as it says itself."""
        if own := input_fields(taken.payload):
            return SummaryPartRequest.parse(own)
        shared = {name: taken.params.get(name) for name in ("model", "max_length", "min_length")}
        return SummaryPartRequest.parse({**shared, "text": node_of(taken.payload).text})

    def item(self, model: LoadedModel, asked: SummaryPartRequest) -> TextInput:
        """The text without the space around it."""
        text = asked.text.strip()
        if not text:
            raise InvalidInput("text: is empty")
        return TextInput(text, asked.max_length, asked.min_length)

    def ingredients(self, item: TextInput) -> Mapping[str, JSON]:
        """The text, and the lengths that are asked for."""
        return {"max_length": item.max_length, "min_length": item.min_length, "text": item.text}

    def words(self, item: TextInput) -> str:
        """The text's beginning."""
        return item.text[:40]

    def encode(self, made: Written) -> tuple[bytes, Mapping[str, JSON]]:
        """The text in UTF-8; how many tokens were read for it, and whether that was all."""
        return made.text.encode(), {"tokens_read": made.tokens_read, "is_cut": made.is_cut}
