"""Any model: the craft `infer`, and the request and result of its task. An input is any JSON value.

What an input must look like is said by the model's adapter (`workers/adapters/inference.py`). Bytes are artifacts that
its fields name. The output is a JSON value, or bytes with a media type.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, Field, PrivateAttr, field_validator
from pydantic_core import PydanticCustomError

from tasks.errors import InvalidInput
from tasks.messages.base import NAMED_FAULT, WORDS_CHARS, PartRequest
from tasks.messages.craft import Craft
from tasks.messages.files import ResultFile, StoredFile
from tasks.messages.infer import schema
from tasks.messages.infer.json_value import NotJson, plain_with_size, text_of
from tasks.messages.lookup import check_craft
from tasks.messages.result import Result
from tasks.messages.variants import check_variant
from tasks.terminal.printable import size_in_words

if TYPE_CHECKING:
    from tasks.catalog import ModelEntry
    from tasks.offers import Published

MOST_INPUT_BYTES = 256 * 1024
"""The largest input as JSON in UTF-8; what is larger belongs into a file, which the input names."""

JSON_TYPE = "application/json"

VariantName = Annotated[str, Field(min_length=1, max_length=128)]


class InferRequest(PartRequest):
    """One input for a model of any sort: `input` is any JSON value; `variant` is one of a registry's models.

    In a slot `input` is an instance of the adapter's `input_model`, if it has one.
    """

    task = "infer.one"
    kind = "inference"
    content = frozenset({"input"})
    variant_field = "variant"
    names_artifacts = True

    input: Any
    variant: VariantName | None = None

    _given: tuple[Any, ...] = PrivateAttr(())
    """In a slot: the input as it was sent, if `input` is an instance that does not tell all of it."""

    @field_validator("input")
    @classmethod
    def _is_json(cls, given: Any) -> Any:
        try:
            value, size = plain_with_size(given, "input")
        except NotJson as exc:
            raise PydanticCustomError(NAMED_FAULT, "{said}", {"said": str(exc)}) from None
        if size > MOST_INPUT_BYTES:
            sizes = f"{size_in_words(size)} of JSON; at most {size_in_words(MOST_INPUT_BYTES)}"
            said = f"input: {sizes}: give large data as a file (Client.put)"
            raise PydanticCustomError(NAMED_FAULT, "{said}", {"said": said})
        return value

    @classmethod
    def fields_of_input(cls, given: Any) -> dict[str, Any]:
        """Whatever is given is the input."""
        return {"input": given}

    def check(self, entry: ModelEntry | None, offer: Published | None) -> None:
        """Refuse a model of another craft, a variant that it does not have, and what its published schema refuses."""
        check_craft(INFER, self.model, entry, offer)
        check_variant("variant", entry, offer, self.variant)
        is_registry = offer.is_registry if offer is not None else entry is None or entry.is_registry
        if self.variant is not None and not is_registry:
            raise no_variants(self.model)
        if offer is not None and offer.input_schema:
            schema.check(offer.input_schema, self.model, self.input)

    def files(self, offer: Published | None) -> Sequence[schema.NamedFile]:
        """The files that its input names, by the published schema."""
        found = offer.input_schema if offer is not None else ""
        return schema.files_named(found, self.model, self.input) if found else ()

    def fields(self) -> dict[str, Any]:
        """The request as JSON-ready keyword arguments; an input that is null is one of them."""
        return {"input": None, **super().fields()}

    def as_instance(self, value: BaseModel) -> Self:
        """The same request, with the input as an instance of the adapter's `input_model`."""
        made = self.model_copy(update={"input": value})
        made.keep_given(self.input)
        return made

    def keep_given(self, given: Any) -> None:
        """Remember the input as it was sent, if the instance in its place does not tell all of it."""
        self._given = () if _tells(self.input.model_dump(mode="json"), given) else (given,)

    def ingredients(self) -> dict[str, Any]:
        """The input with its defaults, and the variant.

        What a model leaves out of its dump, such as a field with `exclude`, must not make two inputs one: the input is
        then taken as it was sent.
        """
        fields = super().ingredients()
        return {**fields, "input": self._given[0]} if self._given else fields

    def text(self) -> str:
        """The input as JSON, also if it is an instance of the adapter's `input_model`."""
        return text_of(self.input, "input", as_json)

    def input_size(self) -> int:
        """The characters of the input as JSON; files that it names do not count."""
        return len(self.text())

    def words(self) -> str:
        """The beginning of the input as JSON."""
        return self.text()[:WORDS_CHARS]


class InferResult(Result):
    """The output of a model for one input. `computed` is false if the artifact existed already.

    It has the output itself, in `output`, if it is JSON and short (`is_inline`); the artifact has it always.
    """

    kind: Literal["inference"] = "inference"
    artifact: str
    media_type: str
    bytes: int
    computed: bool
    is_inline: bool = False
    output: Any = None

    def words(self) -> str:
        """Its size and media type, or that it is an answer."""
        return "an answer" if self.media_type == JSON_TYPE else f"{size_in_words(self.bytes)} of {self.media_type}"

    def files(self, read_text: Callable[[str], str]) -> Sequence[ResultFile]:
        """The output as a file, with the extension of its media type."""
        return [ResultFile(StoredFile(self.artifact, extension_of(self.media_type)))]


class Infer(Craft):
    """The craft of models whose inputs and outputs are their adapter's own."""

    name = "infer"
    request = InferRequest
    refusal = "does not serve infer"

    def is_known_of(self, entry: ModelEntry) -> bool:
        """True for the rehearsal that answers; other adapters say it when they are loaded."""
        return entry.adapter == "rehearsal" and entry.options.get("gives") == "answer"


INFER = Infer()


def as_json(value: Any) -> Any:
    """A pydantic model as JSON's types; raises `TypeError` for anything else."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    raise TypeError


def _tells(told: Any, given: Any) -> bool:
    """Whether a value has all that was given: it may have more fields."""
    if isinstance(given, dict):
        return isinstance(told, dict) and all(key in told and _tells(told[key], one) for key, one in given.items())
    if isinstance(given, list):
        same = isinstance(told, list) and len(told) == len(given)
        return same and all(_tells(one, other) for one, other in zip(told, given, strict=True))
    return bool(told == given) and isinstance(told, bool) == isinstance(given, bool)


def no_variants(model: str) -> InvalidInput:
    """The error for a request that names one of a registry's models, if there is only one model."""
    return InvalidInput(f"variant: {model!r} is one model, and has no variants")


def extension_of(media_type: str) -> str:
    """The extension of a file of this media type, without the dot; `bin` if it is not known. The same everywhere."""
    plain_type = media_type.partition(";")[0].strip().lower()
    found = mimetypes.MimeTypes(filenames=()).guess_extension(plain_type) or ".bin"
    return found.removeprefix(".")
