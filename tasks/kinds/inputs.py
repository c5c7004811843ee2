"""What many inputs at once are: of which craft, each checked, and which task computes one. Loads no Celery."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tasks.catalog import ModelEntry
from tasks.errors import InvalidInput
from tasks.messages import ParagraphRequest, SummaryPartRequest
from tasks.messages.map import Craft
from tasks.offers import Published, check_voice

TASKS: Mapping[Craft, str] = {"speech": "speech.paragraph", "summary": "summary.part"}

OF_ADAPTER: Mapping[str, Craft] = {"espeak": "speech", "viettts": "speech", "rehearsal": "speech", "bart": "summary"}
"""Of the adapters that come with slotline; for others, until a worker was ready, `craft` has to be said."""


def craft_of(model: str, entry: ModelEntry | None, offer: Published | None) -> Craft:
    """Whether a model speaks or writes, by what a worker said of it, else by its adapter; raises `InvalidInput`."""
    if offer is not None and offer.sample_rate is not None:
        return "speech" if offer.sample_rate else "summary"
    if entry is not None and entry.options.get("gives") == "text":
        return "summary"
    if entry is not None and (known := OF_ADAPTER.get(entry.adapter)):
        return known
    raise InvalidInput(f"craft: no worker of {model} was ready yet, so it is not known; say 'speech' or 'summary'")


def check_writes(model: str, entry: ModelEntry | None, offer: Published | None) -> None:
    """Raise `InvalidInput` for a model of which it is known that it speaks."""
    try:
        craft = craft_of(model, entry, offer)
    except InvalidInput:
        return  # not known here: the model itself judges
    if craft == "speech":
        adapter = offer.adapter if offer else entry.adapter if entry else ""
        raise InvalidInput(f"model: {model!r} does not write (its adapter is {adapter})")


def fields_of(name: str, given: Iterable[Any], shared: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each input's fields, where a text alone is its `text`, and `shared` is of all that do not say it themselves.

    Raises `InvalidInput` that calls the list `name`, or names the first that is neither by its number.
    """
    if isinstance(given, (str, bytes, Mapping)):
        raise InvalidInput(f"{name}: is one {'mapping' if isinstance(given, Mapping) else 'text'}; give a list of them")
    fields = []
    for number, one in enumerate(given, 1):
        if not isinstance(one, (str, Mapping)):
            raise InvalidInput(f"input {number}: is neither a text nor a mapping of fields, but {type(one).__name__}")
        fields.append({**shared, **({"text": one} if isinstance(one, str) else one)})
    return fields


def check_inputs(
    model: str,
    craft: Craft,
    inputs: Sequence[Mapping[str, Any]],
    entry: ModelEntry | None,
    offer: Published | None,
) -> list[dict[str, Any]]:
    """Each input as the fields of its task; raises `InvalidInput` that names the first wrong one by its number."""
    request = ParagraphRequest if craft == "speech" else SummaryPartRequest
    checked = []
    for number, one in enumerate(inputs, 1):
        try:
            asked = request.parse({**one, "model": model})
            if isinstance(asked, ParagraphRequest):
                check_voice(entry, offer, asked.voice)
            checked.append(asked.fields())
        except InvalidInput as exc:
            raise type(exc)(f"input {number}: {exc}") from exc
    return checked
