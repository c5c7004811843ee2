"""Requests with a text: one input for a slot, or a text of any length, which may be in the store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Self, TypeVar

from pydantic import model_validator

from tasks.messages.base import INLINE_TEXT_BYTES, PartRequest, Request, Text, TextRef


class TextPart(PartRequest):
    """One text that one slot computes at once."""

    text: Text

    @model_validator(mode="after")
    def _text_is_not_empty(self) -> Self:
        _check_not_empty(self.text)
        return self


class TextOrRef(Request):
    """A text in one of two forms: itself, or `text_ref`, the name of a text artifact in the store. May be empty."""

    text: Text | None = None
    text_ref: TextRef | None = None

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if (self.text is None) == (self.text_ref is None):
            raise ValueError("text: give it, or text_ref, and not both")
        return self

    def whole_text(self, read_text: Callable[[str], str]) -> str:
        """The text, from the request or the store; `read_text` reads a text artifact."""
        return self.text if self.text is not None else read_text(str(self.text_ref))

    def text_by_reference(self, put_text: Callable[[str], str], longer_than: int = INLINE_TEXT_BYTES) -> Self:
        """The same, with a text of more bytes in the store; a text that is in the store already stays there."""
        if not self.text or text_bytes(self) <= longer_than:
            return self
        return self.model_copy(update={"text": None, "text_ref": put_text(self.text)})


class SomeText(TextOrRef):
    """A text in one of two forms, which is not only white space."""

    @model_validator(mode="after")
    def _text_is_not_empty(self) -> Self:
        _check_not_empty(self.text)
        return self

    def by_reference(self, put_text: Callable[[str], str]) -> Self:
        """The same request, with a reference to a long text."""
        return self.text_by_reference(put_text)


TextOrRefT = TypeVar("TextOrRefT", bound=TextOrRef)


def texts_by_reference(texts: Sequence[TextOrRefT], put_text: Callable[[str], str]) -> list[TextOrRefT] | None:
    """All texts of a request as references, if they are long together; else None."""
    if sum(map(text_bytes, texts)) <= INLINE_TEXT_BYTES:
        return None
    return [one.text_by_reference(put_text, longer_than=0) for one in texts]


def sizes_of(texts: Sequence[TextOrRef]) -> Sequence[int]:
    """The length of each text; none if one of them is only a reference."""
    return [len(one.text or "") for one in texts] if all(one.text is not None for one in texts) else ()


def text_bytes(one: TextOrRef) -> int:
    """The bytes of the text in UTF-8; 0 if it is in the store."""
    return len(one.text.encode(errors="replace")) if one.text else 0


def _check_not_empty(text: str | None) -> None:
    if text is not None and not text.strip():
        raise ValueError("text: is empty")
