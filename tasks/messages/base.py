"""The base classes of all requests, and the error message for a wrong field.

A request names its task, and is the same type on its whole way from the client to the
model. The base class of results is in `result.py`. Names no kind of work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from tasks.errors import InvalidInput
from tasks.text.normalise import normalise

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from tasks.catalog import ModelEntry
    from tasks.messages.infer.schema import NamedFile
    from tasks.offers import Published

MAX_TEXT_CHARS = 20_000_000
"""The longest text of one job; `War and Peace` has 3.2 million characters."""

INLINE_TEXT_BYTES = 16 * 1024
"""A longer text is written to the store, and the message has its reference."""

NAMED_FAULT = "named"
"""The type of pydantic's error for a fault whose words name the place themselves."""

NAMED_FAULTS = 5
"""How many wrong fields an error names."""

WORDS_CHARS = 96
"""How many characters of an input are shown to people."""

Text = Annotated[str, Field(max_length=MAX_TEXT_CHARS), AfterValidator(normalise)]
MODEL_NAME = r"^[a-z0-9][a-z0-9._-]*$"
ModelName = Annotated[str, Field(min_length=1, max_length=64, pattern=MODEL_NAME)]
TextRef = Annotated[str, Field(max_length=200)]
Title = Annotated[str, Field(max_length=500)]
LONGEST_TIMEOUT_S = 366 * 86400.0
TimeoutS = Annotated[float, Field(ge=0.001, le=LONGEST_TIMEOUT_S)]

NOT_SHARED = frozenset({"timeout_s"})
"""Fields of a request that do not say what is computed: not in an artifact's name, and not those of a job's parts."""


class Message(BaseModel):
    """A request or a result: frozen. Fields that only newer versions know are left out, except in requests."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    @classmethod
    def parse(cls, fields: Mapping[str, Any]) -> Self:
        """Build from keyword arguments; raises `InvalidInput`, which names each wrong field."""
        try:
            return cls.model_validate(dict(fields))
        except ValidationError as exc:
            raise InvalidInput(faults(exc, cls)) from exc

    def fields(self) -> dict[str, Any]:
        """The message as JSON-ready keyword arguments, without fields that are None."""
        return self.model_dump(mode="json", exclude_none=True)


class Request(Message):
    """A request of a sender. Strict: a text or a boolean is not accepted as a number, and an unknown field is refused.

    `parse` checks it where it comes in: in slotline's client, and in its task, because any Celery client may have sent
    it. Fields that slotline's own workers have written are read by `trusted`.
    """

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)

    @classmethod
    def trusted(cls, fields: Mapping[str, Any]) -> Self:
        """Build from fields that were checked and then stored; unknown fields are left out.

        Nothing is checked or converted: each field must have the type that JSON returns.
        """
        known = {name: value for name, value in fields.items() if name in cls.model_fields}
        return cast(Self, cls.model_construct(**known))


class ModelRequest(Request):
    """A request that is the message of a task, and is served by one model."""

    task: ClassVar[str]
    """The name of its task."""
    kind: ClassVar[str]
    """The kind of the job, in its record and in its result."""

    model: ModelName
    timeout_s: TimeoutS | None = None
    """The request is dropped if it was not computed so long after it was submitted (`docs/waiting.md`)."""

    def check(self, entry: ModelEntry | None, offer: Published | None) -> None:
        """Raise `InvalidInput` if this model is known not to serve the request; accept it if this is not known.

        `entry` is the model's table in the catalog, `offer` the offer of its workers; either may be None.
        """

    def by_reference(self, put_text: Callable[[str], str]) -> Self:
        """The same request with references to long texts; `put_text` stores a text and returns its name."""
        return self


class PartRequest(ModelRequest):
    """One input for one slot: a message of its own, or a part of a job. The model's adapter gets it.

    It is flat: each field is a JSON value. `content` names the fields with the input itself; the others say how to
    compute it.
    """

    content: ClassVar[frozenset[str]] = frozenset({"text"})
    variant_field: ClassVar[str] = ""
    """The field that names one of a registry's models; empty: none does."""
    names_artifacts: ClassVar[bool] = False
    """Whether its fields name artifacts, which a job's parts need while the job is open."""

    @classmethod
    def fields_of_input(cls, given: Any) -> dict[str, Any]:
        """The fields of an input as it is given to a map; raises `InvalidInput`, which says what it is.

        By default a text becomes the field `text`, and a mapping is the fields themselves.
        """
        if not isinstance(given, (str, Mapping)):
            raise InvalidInput(f"is neither a text nor a mapping of fields, but {type(given).__name__}")
        return {"text": given} if isinstance(given, str) else dict(given)

    @classmethod
    def shared(cls, request: Request) -> dict[str, Any]:
        """The fields that all parts of a job have in common: those of the job's request that say how to compute one."""
        return {name: getattr(request, name) for name in cls.model_fields if name not in cls.content | NOT_SHARED}

    def ingredients(self) -> dict[str, Any]:
        """The fields that determine the output, without the model, for the artifact's name. JSON-ready."""
        return self.model_dump(mode="json", exclude={"model", *NOT_SHARED})

    def manner(self) -> str:
        """How to compute it, as one string: parts with the same manner may run together."""
        return self.model_dump_json(exclude={"model", *self.content, *NOT_SHARED})

    def files(self, offer: Published | None) -> Sequence[NamedFile]:
        """The files in the store that its input names, as far as the offer says which of its fields are files."""
        return ()

    def input_size(self) -> int:
        """How much there is to compute, in the craft's own unit: by default the characters of the input."""
        return sum(len(str(getattr(self, name, None) or "")) for name in self.content)

    def words(self) -> str:
        """The beginning of the input, for people."""
        return str(getattr(self, min(self.content), ""))[:WORDS_CHARS]


class JobRequest(ModelRequest):
    """The request of a job that is split into parts: the message of a flow task, with a record in the ledger."""

    takes_result: ClassVar[bool] = False
    """Whether the result of the task before it in a chain may be its one positional argument."""
    inputs_are_parts: ClassVar[bool] = False
    """Whether each of its inputs is one part, so that there are as many before it is split; else they are split."""

    title: Title = ""

    def words(self) -> str:
        """The title, or the beginning of the text, for people; empty if it has neither."""
        return self.title or " ".join(str(getattr(self, "text", None) or "")[:WORDS_CHARS].split())

    def input_sizes(self) -> Sequence[int]:
        """The size of each input that it names; empty where it has only references to texts in the store."""
        return (len(text),) if (text := getattr(self, "text", None)) else ()


def timeout_of(fields: Mapping[str, Any]) -> float | None:
    """The `timeout_s` of a request that is not checked yet; None where it has none, or a wrong one."""
    given = fields.get("timeout_s")
    if not isinstance(given, (int, float)) or isinstance(given, bool) or not 0.001 <= given <= LONGEST_TIMEOUT_S:
        return None
    return float(given)


def faults(exc: ValidationError, message: type[BaseModel]) -> str:
    """One line: the first fault of each wrong field."""
    first: dict[str, str] = {}
    for fault in exc.errors(include_url=False):
        first.setdefault(str(next(iter(fault["loc"]), "")), _words(fault, message))
    return listed(list(first.values()))


def listed(named: Sequence[str]) -> str:
    """Faults in one line, the first few of them."""
    more = f"; and {len(named) - NAMED_FAULTS} more" if len(named) > NAMED_FAULTS else ""
    return "; ".join(named[:NAMED_FAULTS]) + more


def _words(fault: ErrorDetails, message: type[BaseModel]) -> str:
    """The field, what is wrong with it, and the given value if that helps."""
    where = ".".join(str(step) for step in fault["loc"])
    kind, given = fault["type"], fault.get("input")
    if kind == "missing":
        return f"{where}: is missing"
    if kind == "extra_forbidden":
        # In a list of messages the fields are not those of the outer message.
        takes = f"; there are: {', '.join(message.model_fields)}" if len(fault["loc"]) == 1 else ""
        return f"{where}: there is no such field{takes}"
    said = fault["msg"].removeprefix("Value error, ")
    if kind == NAMED_FAULT:
        return said
    if kind == "value_error":
        return f"{where}.{said}" if where else said
    if kind == "string_pattern_mismatch":
        said = "a name has only a-z, 0-9, '.', '_' and '-'"
    return f"{where}: {said} (got {shown(given)})" if where else said


def shown(given: Any) -> str:
    """The given value, in at most 60 characters."""
    words = repr(given[:60] if isinstance(given, str | bytes) else given)
    return words if len(words) <= 60 else words[:59] + "…"
