"""What all requests and results have in common: texts, names, and the one line that refuses a field."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from tasks.errors import InvalidInput
from tasks.text.normalise import normalise

MAX_TEXT_CHARS = 20_000_000
"""Longest text of one job; `War and Peace` has 3.2 million."""

INLINE_TEXT_BYTES = 16 * 1024
"""A longer text goes to the store, and its reference into the message."""


def check_one_text(text: str | None, text_ref: str | None) -> None:
    """Raise `ValueError` unless a text is given in one of its two forms: itself, or where it lies."""
    if (text is None) == (text_ref is None):
        raise ValueError("text: give it, or text_ref, and not both")


def check_not_empty(text: str | None) -> None:
    """Raise `ValueError` for a text of nothing but white space."""
    if text is not None and not text.strip():
        raise ValueError("text: is empty")


Text = Annotated[str, Field(max_length=MAX_TEXT_CHARS), AfterValidator(normalise)]
ModelName = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[a-z0-9][a-z0-9._-]*$")]
TextRef = Annotated[str, Field(max_length=200)]
Title = Annotated[str, Field(max_length=500)]


class Message(BaseModel):
    """A request or a result: frozen, and no field but its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @classmethod
    def parse(cls, fields: dict[str, Any]) -> Self:
        """Build from keyword arguments; raises `InvalidInput` that names the field at fault."""
        try:
            return cls.model_validate(fields)
        except ValidationError as exc:
            raise InvalidInput(_first_fault(exc, cls)) from exc

    def fields(self) -> dict[str, Any]:
        """The message as JSON-ready keyword arguments, without what is unset."""
        return self.model_dump(mode="json", exclude_none=True)


class Request(Message):
    """What a sender asks for. Strict: a number is a number, not a text or a truth value that could pass for one."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)


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
        said = "a name is of a-z, 0-9, '.', '_' and '-'"
    return f"{where}: {said} (got {_shown(given)})" if where else said


def _shown(given: Any) -> str:
    """What was given, in at most 60 characters."""
    shown = repr(given[:60] if isinstance(given, str | bytes) else given)
    return shown if len(shown) <= 60 else shown[:59] + "…"
