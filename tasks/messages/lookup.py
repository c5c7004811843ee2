"""Finds a craft by its name or its model, a job's request by its task, a result's class by its kind; names none."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tasks import plugins
from tasks.errors import InvalidInput, SlotlineError
from tasks.messages.base import JobRequest, ModelRequest
from tasks.messages.craft import Craft
from tasks.messages.result import Result

if TYPE_CHECKING:
    from tasks.catalog import ModelEntry
    from tasks.offers import Published


@functools.cache
def crafts() -> Mapping[str, Craft]:
    """All crafts by name."""
    found: dict[str, Craft] = {}
    for one in plugins.instances(plugins.MESSAGES, Craft):
        found.setdefault(one.name, one)
    return found


def craft_named(name: str) -> Craft:
    """The craft of that name; raises `InvalidInput`, which lists all crafts."""
    try:
        return crafts()[name]
    except KeyError:
        raise InvalidInput(f"craft: there is no craft {name!r}; it may be {_listed()}") from None


def craft_of(model: str, entry: ModelEntry | None, offer: Published | None) -> Craft:
    """A model's craft, by its offer, else by its adapter; raises `InvalidInput` if it is not known."""
    if known := known_craft(entry, offer):
        return known
    raise InvalidInput(f"craft: no worker of {model} was ready yet, so it is not known; say {_listed()}")


def known_craft(entry: ModelEntry | None, offer: Published | None) -> Craft | None:
    """A model's craft, or None if it is not known here."""
    if offer is not None and offer.craft:
        return crafts().get(offer.craft)
    return next((one for one in crafts().values() if entry is not None and one.is_known_of(entry)), None)


def check_craft(craft: Craft, model: str, entry: ModelEntry | None, offer: Published | None) -> None:
    """Raise `InvalidInput` if the model is known to serve another craft; accept it if this is not known."""
    served = offer.craft if offer is not None else ""
    if not served and (known := known_craft(entry, offer)):
        served = known.name
    if served and served != craft.name:
        raise wrong_craft(craft, model, offer.adapter if offer else entry.adapter if entry else "")


def wrong_craft(craft: Craft, model: str, adapter: str) -> InvalidInput:
    """The error for a request to a model with another craft."""
    return InvalidInput(f"model: {model!r} {craft.refusal} (its adapter is {adapter})")


@functools.cache
def job_requests() -> Mapping[str, type[JobRequest]]:
    """The request of every job by the name of its task."""
    found: dict[str, type[JobRequest]] = {}
    for one in plugins.classes(plugins.MESSAGES, JobRequest):
        if task := getattr(one, "task", ""):
            found.setdefault(task, one)
    return found


@functools.cache
def task_names() -> frozenset[str]:
    """The tasks of all kinds of work: their state is in the ledger."""
    found = plugins.classes(plugins.MESSAGES, ModelRequest)
    return frozenset(name for one in found if (name := getattr(one, "task", "")))


def takes_result(task: str) -> bool:
    """Whether a task may have the result of the one before it as its positional argument."""
    request = job_requests().get(task)
    return request is not None and request.takes_result


def inputs_are_parts(kind: str) -> bool:
    """Whether each input of a job of this kind is one part; also before a flow worker has split the job."""
    return any(one.kind == kind and one.inputs_are_parts for one in job_requests().values())


def result_of(fields: Mapping[str, Any]) -> Result:
    """A result's fields as the class of its `kind`.

    Raises `SlotlineError` if it has no kind (an older version stored it), or if the kind is not known here.
    """
    kind = fields.get("kind")
    if kind is None:
        raise SlotlineError("result: it has no kind: an older version of slotline stored it; submit the job again")
    if found := _results().get(str(kind)):
        return found.parse(fields)
    raise SlotlineError(f"result: its kind {kind!r} is not known here; is the package that defines it installed?")


@functools.cache
def _results() -> Mapping[str, type[Result]]:
    found: dict[str, type[Result]] = {}
    for one in plugins.classes(plugins.MESSAGES, Result):
        if isinstance(kind := one.model_fields["kind"].default, str):
            found.setdefault(kind, one)
    return found


def _listed() -> str:
    *others, last = [repr(name) for name in sorted(crafts())]
    return f"{', '.join(others)} or {last}" if others else last
