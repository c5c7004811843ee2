"""What all requests and results have in common, and the one line that refuses a field.

A request says which task it is the message of, and is carried as the same type from the
client to the model. What results have in common is in `result.py`. Names no kind of work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from tasks.errors import InvalidInput
from tasks.text.normalise import normalise

if TYPE_CHECKING:
    from tasks.catalog import ModelEntry
    from tasks.offers import Published

MAX_TEXT_CHARS = 20_000_000
"""Longest text of one job; `War and Peace` has 3.2 million."""

INLINE_TEXT_BYTES = 16 * 1024
"""A longer text goes to the store, and its reference into the message."""

WORDS_CHARS = 96
"""How much of an input is its beginning, for a person."""

Text = Annotated[str, Field(max_length=MAX_TEXT_CHARS), AfterValidator(normalise)]
ModelName = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[a-z0-9][a-z0-9._-]*$")]
TextRef = Annotated[str, Field(max_length=200)]
Title = Annotated[str, Field(max_length=500)]


class Message(BaseModel):
    """A request or a result: frozen, and no field but its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @classmethod
    def parse(cls, fields: Mapping[str, Any]) -> Self:
        """Build from keyword arguments; raises `InvalidInput` that names the field at fault."""
        try:
            return cls.model_validate(dict(fields))
        except ValidationError as exc:
            raise InvalidInput(_first_fault(exc, cls)) from exc

    def fields(self) -> dict[str, Any]:
        """The message as JSON-ready keyword arguments, without what is unset."""
        return self.model_dump(mode="json", exclude_none=True)


class Request(Message):
    """What a sender asks for. Strict: a number is a number, not a text or a truth value that could pass for one.

    It is checked once, where it comes in (`parse`): by the client, and again by the task that it is the message of,
    because any Celery client may have sent it. What slotline's own workers wrote is `trusted`.
    """

    model_config = ConfigDict(strict=True, allow_inf_nan=False)

    @classmethod
    def trusted(cls, fields: Mapping[str, Any]) -> Self:
        """Build from fields that were checked before and then stored; those it does not know are left out.

        Nothing is checked or converted: each field must be what JSON gives back.
        """
        known = {name: value for name, value in fields.items() if name in cls.model_fields}
        return cast(Self, cls.model_construct(**known))


class ModelRequest(Request):
    """A request that is the message of a task, and that one model serves."""

    task: ClassVar[str]
    """The task that it is the message of."""
    kind: ClassVar[str]
    """What the job is called in its record and in its result."""

    model: ModelName

    def check(self, entry: ModelEntry | None, offer: Published | None) -> None:
        """Raise `InvalidInput` for what this model is known not to serve; what is not known here passes.

        `entry` is the model's table in the catalog, `offer` what its workers published; either may be None.
        """

    def by_reference(self, put_text: Callable[[str], str]) -> Self:
        """The same request, with long texts put away by `put_text`, which gives the name to ask for them by."""
        return self


class PartRequest(ModelRequest):
    """What one slot computes at once: a message of its own, or a part of a job. The model's adapter gets it.

    Flat: each field is a JSON value. `content` names those that are the input itself; the others say how it is to
    be computed.
    """

    content: ClassVar[frozenset[str]] = frozenset({"text"})

    @classmethod
    def shared(cls, request: Request) -> dict[str, Any]:
        """What all parts of a job have in common: those fields of the job's request that say how to compute one."""
        return {name: getattr(request, name) for name in cls.model_fields if name not in cls.content}

    def ingredients(self) -> dict[str, Any]:
        """All that shapes what is made, but for the model: it goes into the artifact's name. JSON-ready."""
        return self.model_dump(mode="json", exclude={"model"})

    def manner(self) -> str:
        """How it is to be computed, in one string: parts of the same manner may run together."""
        return self.model_dump_json(exclude={"model", *self.content})

    def words(self) -> str:
        """The beginning of the input, for a person."""
        return str(getattr(self, min(self.content), ""))[:WORDS_CHARS]


class JobRequest(ModelRequest):
    """What is split into parts: the message of a flow task, with a record in the ledger."""

    title: Title = ""


def _first_fault(exc: ValidationError, message: type[BaseModel]) -> str:
    """One line: the field, what is wrong with it, and what was given where that says more."""
    fault = exc.errors(include_url=False)[0]
    where = ".".join(str(step) for step in fault["loc"])
    kind, given = fault["type"], fault.get("input")
    if kind == "missing":
        return f"{where}: is missing"
    if kind == "extra_forbidden":
        # In a list of messages the fields are not those of the outer one.
        takes = f"; there are: {', '.join(message.model_fields)}" if len(fault["loc"]) == 1 else ""
        return f"{where}: there is no such field{takes}"
    said = fault["msg"].removeprefix("Value error, ")
    if kind == "value_error":
        return f"{where}.{said}" if where else said
    if kind == "string_pattern_mismatch":
        said = "a name has only a-z, 0-9, '.', '_' and '-'"
    return f"{where}: {said} (got {_shown(given)})" if where else said


def _shown(given: Any) -> str:
    """What was given, in at most 60 characters."""
    shown = repr(given[:60] if isinstance(given, str | bytes) else given)
    return shown if len(shown) <= 60 else shown[:59] + "…"
