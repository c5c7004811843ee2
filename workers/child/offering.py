"""What a slot's models offer, in the words that the worker publishes: of one loaded model, or of many small ones."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from tasks.errors import SlotlineError
from tasks.offers import Published
from workers.adapters import adapter_of

if TYPE_CHECKING:
    from tasks.catalog import ModelEntry
    from workers.adapters.base import Offer


def of_model(entry: ModelEntry, device: str, offer: Offer) -> Published:
    """Of the one model of a slot, which is loaded."""
    return Published(
        model=entry.name,
        adapter=entry.adapter,
        revision=offer.revision,
        sample_rate=offer.sample_rate,
        voices=dict(offer.voices),
        default_voice=offer.default_voice,
        reads_tokens=offer.reads_tokens,
        chars_per_token=dict(offer.chars_per_token),
        craft=adapter_of(entry, device).craft,
    )


def of_registry(entry: ModelEntry, device: str, names: Iterable[str]) -> Published:
    """Of a table of many models, none of which need be loaded: each name is a voice."""
    try:
        craft = adapter_of(entry, device).craft
    except SlotlineError:
        craft = ""  # each load says what is wrong
    return Published(
        model=entry.name,
        adapter=entry.adapter,
        revision=entry.revision or "",
        sample_rate=None,
        voices=dict.fromkeys(names, "und"),
        default_voice=entry.voice,
        craft=craft,
        is_registry=True,
    )
