"""One input to check an adapter with: the fields of a request, and the files that they name.

In what a craft or an adapter gives, bytes stand for a file. Here they get an artifact's name, as if they had been put
into the store.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tasks.terminal.printable import shortened

TITLE_CHARS = 40


@dataclass(frozen=True)
class Example:
    """One input; `title` is for people."""

    title: str
    fields: Mapping[str, Any]
    files: Mapping[str, bytes] = field(default_factory=dict)
    """By the names that stand in the fields."""


@dataclass(frozen=True)
class Inputs:
    """What an adapter is checked with; see `workers/sidecar/crafts/examples.py`."""

    good: tuple[Example, ...] = ()
    unusual: tuple[Example, ...] = ()
    refused: tuple[Example, ...] = ()
    lacking: str = ""


def example_of(fields: Mapping[str, Any], model: str) -> Example:
    """The input with these fields for that model."""
    files: dict[str, bytes] = {}
    named = {name: _named(value, files) for name, value in fields.items()}
    return Example(title_of(fields), {"model": model, **named}, files)


def examples_of(given: Iterable[Mapping[str, Any]], model: str) -> tuple[Example, ...]:
    """Each of them."""
    return tuple(example_of(fields, model) for fields in given)


def title_of(fields: Mapping[str, Any]) -> str:
    """The beginning of an input, for people: «text: Did he leave his name?»."""
    said = ", ".join(_words(name, value) for name, value in fields.items())
    return f"«{shortened(said, TITLE_CHARS)}»"


def _words(name: str, value: Any) -> str:
    if name in ("text", "input"):
        return value if isinstance(value, str) else repr(value)
    return f"{name} {value if isinstance(value, (str, int, float)) else type(value).__name__}"


def _named(value: Any, files: dict[str, bytes]) -> Any:
    if isinstance(value, bytes):
        sha = hashlib.sha256(value).hexdigest()
        name = f"file/{sha[:2]}/{sha}.bin"
        files[name] = value
        return name
    if isinstance(value, Mapping):
        return {key: _named(inner, files) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_named(inner, files) for inner in value]
    return value
