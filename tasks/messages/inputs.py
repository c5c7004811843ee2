"""Many inputs at once, before they are parts of a job: each one's fields, and its request, checked. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tasks.errors import InvalidInput
from tasks.messages.base import PartRequest
from tasks.messages.craft import Craft

if TYPE_CHECKING:
    from tasks.catalog import ModelEntry
    from tasks.offers import Published


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


def checked_inputs(
    model: str,
    craft: Craft,
    inputs: Sequence[Mapping[str, Any]],
    entry: ModelEntry | None,
    offer: Published | None,
) -> list[PartRequest]:
    """Each input as the request of its craft; raises `InvalidInput` that names the first wrong one by its number."""
    checked = []
    for number, one in enumerate(inputs, 1):
        try:
            request = craft.request.parse({**one, "model": model})
            request.check(entry, offer)
        except InvalidInput as exc:
            raise type(exc)(f"input {number}: {exc}") from exc
        checked.append(request)
    return checked
