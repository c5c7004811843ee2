"""Makes inputs of a good one and its JSON schema: such as the schema forbids, and unusual ones that it allows. Pure.

For checking an adapter. Knows the words of schemas that pydantic writes. Bytes stand for files, in the good input too.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from tasks.messages.infer.schema import FILE_FORMAT

Schema: TypeAlias = Mapping[str, Any]
Steps: TypeAlias = tuple[str | int, ...]

LONG_CHARS = 10_000
MOST_ITEMS = 1_000
MOST_FILE_BYTES = 32_000_000
DEEPEST = 3

ANYTHING: Sequence[Any] = (None, True, 0, "", "😀", [], {})
"""Unusual inputs for an adapter that declares none."""


def forbidden(schema: Schema, good: Any) -> Iterator[Any]:
    """Inputs that differ from the good one in one place, where the schema forbids what they have."""
    for steps, found in _places(schema, schema, good):
        if found.get("type") == "object":
            value = _at(good, steps)
            yield from (_put(good, steps, _without(value, name)) for name in found.get("required", ()) if name in value)
            if found.get("additionalProperties") is False:
                yield _put(good, steps, {**value, "no_such_field": 1})
        yield from (_put(good, steps, wrong) for wrong in _forbidden_values(schema, found, _at(good, steps)))


def unusual(schema: Schema, good: Any) -> Iterator[Any]:
    """Inputs that differ from the good one in one place, by a value at the edge of what the schema allows."""
    for steps, found in _places(schema, schema, good):
        for branch in _branches(schema, found):
            yield from (_put(good, steps, value) for value in _edges(branch))


def _places(root: Schema, schema: Schema, value: Any, steps: Steps = ()) -> Iterator[tuple[Steps, Schema]]:
    """The places of a value, with what the schema says of each."""
    found = _resolved(root, schema)
    yield steps, found
    if len(steps) >= DEEPEST:
        return
    for branch in _branches(root, found):
        if isinstance(value, Mapping):
            for name, inner in branch.get("properties", {}).items():
                if name in value:
                    yield from _places(root, inner, value[name], (*steps, name))
        if isinstance(value, list) and value and isinstance(items := branch.get("items"), Mapping):
            yield from _places(root, items, value[0], (*steps, 0))


def _forbidden_values(root: Schema, schema: Schema, good: Any) -> Iterator[Any]:
    branches = list(_branches(root, schema))
    types = {str(branch.get("type", "")) for branch in branches}
    if "" not in types:
        yield next(wrong for name, wrong in (("object", {"wrong": "type"}), ("array", [])) if name not in types)
    for branch in branches if len(branches) == 1 else ():
        yield from _beyond(branch, good)


def _beyond(schema: Schema, good: Any) -> Iterator[Any]:
    """Values of the right type that are too small, too large, too long or none of the choices."""
    if "enum" in schema or "const" in schema:
        yield "no-such-choice"
    match schema.get("type"):
        case "number" | "integer":
            yield from _numbers_beyond(schema)
        case "string" if schema.get("format") == FILE_FORMAT:
            yield f"file/00/{'0' * 64}.bin"
            if schema.get("most_bytes", MOST_FILE_BYTES) < MOST_FILE_BYTES:
                yield bytes(schema["most_bytes"] + 1)
        case "string":
            yield from ("a" * length for length in _lengths_beyond(schema, "Length", LONG_CHARS))
        case "array" if good:
            yield from ([good[0]] * length for length in _lengths_beyond(schema, "Items", MOST_ITEMS))


def _numbers_beyond(schema: Schema) -> Iterator[float]:
    step = 1 if schema["type"] == "integer" else 0.5
    yield from (schema[key] - step for key in ("minimum", "exclusiveMinimum") if key in schema)
    yield from (schema[key] + step for key in ("maximum", "exclusiveMaximum") if key in schema)
    yield math.nan


def _lengths_beyond(schema: Schema, of: str, most: int) -> Iterator[int]:
    if least := schema.get(f"min{of}"):
        yield least - 1
    if (longest := schema.get(f"max{of}", most)) < most:
        yield longest + 1


def _edges(schema: Schema) -> Iterator[Any]:
    """Values that are allowed, and that an author may not have thought of."""
    if "enum" in schema or "const" in schema:
        return
    match schema.get("type"):
        case "number" | "integer":
            yield from (schema[key] for key in ("minimum", "maximum") if key in schema)
            if not any(key.endswith("inimum") for key in schema):
                yield from (0, -1)
        case "string" if schema.get("format") == FILE_FORMAT:
            yield from (b"", b"\x00\xff" * min(500, schema.get("most_bytes", 1_000) // 2))
        case "string" if not schema.keys() & {"format", "pattern"}:
            longest = min(schema.get("maxLength", LONG_CHARS), LONG_CHARS)
            candidates = ("", " ", "😀\n", "a" * longest)
            yield from (one for one in candidates if schema.get("minLength", 0) <= len(one) <= longest)
        case "array" if not schema.get("minItems"):
            yield []
        case "null":
            yield None


def _branches(root: Schema, schema: Schema) -> Iterator[Schema]:
    """The alternatives of a schema: `X | None` has two."""
    alternatives = schema.get("anyOf") or schema.get("oneOf")
    if not alternatives:
        yield schema
        return
    for one in alternatives:
        yield from _branches(root, _resolved(root, one))


def _resolved(root: Schema, schema: Schema) -> Schema:
    reference = str(schema.get("$ref", ""))
    return root.get("$defs", {}).get(reference.rpartition("/")[2], {}) if reference else schema


def _at(value: Any, steps: Steps) -> Any:
    for step in steps:
        value = value[step]
    return value


def _put(value: Any, steps: Steps, new: Any) -> Any:
    """A copy of the value with something else at that place."""
    if not steps:
        return new
    made = copy.deepcopy(value)
    _at(made, steps[:-1])[steps[-1]] = new
    return made


def _without(value: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: inner for key, inner in value.items() if key != name}
