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


def fields_of(
    name: str, given: Iterable[Any], shared: Mapping[str, Any], request: type[PartRequest] = PartRequest
) -> list[dict[str, Any]]:
    """Each input's fields, as its craft's `request` makes them of what was given; `shared` has defaults for all inputs.

    Raises `InvalidInput` with the list's `name`, or with the number of the first input that cannot be one.
    """
    if isinstance(given, (str, bytes, Mapping)):
        raise InvalidInput(f"{name}: is one {'mapping' if isinstance(given, Mapping) else 'text'}; give a list of them")
    fields = []
    for number, one in enumerate(given, 1):
        try:
            fields.append({**shared, **request.fields_of_input(one)})
        except InvalidInput as exc:
            raise type(exc)(f"input {number}: {exc}") from exc
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
