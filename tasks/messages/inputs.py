"""Many inputs of one job: makes the fields of each one, and its checked request. Pure."""

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
    """Each input's fields. A text alone becomes the field `text`; `shared` has defaults for all inputs.

    Raises `InvalidInput` with the list's `name`, or with the number of the first input that is not text or fields.
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
    """Each input as the request of its craft; raises `InvalidInput` with the number of the first wrong one."""
    checked = []
    for number, one in enumerate(inputs, 1):
        try:
            request = craft.request.parse({**one, "model": model})
            if request.timeout_s is not None:
                raise InvalidInput("timeout_s: is for the whole job, not for one input")
            request.check(entry, offer)
        except InvalidInput as exc:
            raise type(exc)(f"input {number}: {exc}") from exc
        checked.append(request)
    return checked
