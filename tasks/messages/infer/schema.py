"""Checks an input against the JSON schema that a model's worker has published; loads the library with the first one.

A schema says less than the adapter's own pydantic model, so what passes here may still be refused in the slot. A schema
that cannot be compiled here checks nothing, which is logged once. Nothing is fetched: a schema that refers to another
document cannot be compiled.
"""

from __future__ import annotations

import functools
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tasks.errors import InvalidInput
from tasks.messages.infer.json_value import place_of

logger = logging.getLogger(__name__)

FILE_FORMAT = "slotline-file"
"""The `format` of a text that names an artifact; `most_bytes` beside it limits its size."""

MOST_SCHEMA_BYTES = 64 * 1024
"""A longer schema is not published: every submission reads it."""

SHOWN_CHARS = 60
SAID_CHARS = 200
COMPILED = 64
"""How many schemas are kept compiled."""


@dataclass(frozen=True)
class NamedFile:
    """An artifact that an input names: where, and how many bytes it may have at most (None: any number)."""

    place: str
    name: str
    most_bytes: int | None


def check(schema: str, model: str, value: Any, root: str = "input") -> None:
    """Raise `InvalidInput` with the first fault, as one line that names the field. `schema` is JSON; empty: no check.

    `model` is named where the schema cannot be compiled.
    """
    validator = _compiled(schema, model) if schema else None
    if validator is not None and (fault := next(validator.iter_errors(value), None)) is not None:
        raise InvalidInput(_words(fault, root))


def files_named(schema: str, model: str, value: Any, root: str = "input") -> list[NamedFile]:
    """The artifacts that an input names, as its schema says; the input has passed `check`."""
    validator = _compiled(schema, model) if FILE_FORMAT in schema else None
    if validator is None:
        return []
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for note in validator.evaluate(value).annotations():
        where, at, said = note["instanceLocation"], str(note["schemaLocation"]), note["annotations"]
        if said == FILE_FORMAT and at.endswith("/format"):
            found.setdefault((where, at.removesuffix("/format")), {})["is_file"] = True
        elif isinstance(said, dict) and "most_bytes" in said:
            found.setdefault((where, at), {}).update(said)
    return [
        _named(where, said.get("most_bytes"), value, root) for (where, _), said in found.items() if "is_file" in said
    ]


def _named(pointer: str, most_bytes: Any, value: Any, root: str) -> NamedFile:
    steps: list[Any] = []
    for step in _steps_of(pointer):
        steps.append(int(step) if isinstance(value, list) else step)
        value = value[steps[-1]]
    return NamedFile(place_of(root, steps), str(value), most_bytes if isinstance(most_bytes, int) else None)


def _steps_of(pointer: str) -> Iterator[str]:
    for step in pointer.split("/")[1:]:
        yield step.replace("~1", "/").replace("~0", "~")


@functools.lru_cache(COMPILED)
def _compiled(schema: str, model: str) -> Any:
    """The schema's validator; None if it cannot be compiled, which is logged once as long as it is remembered."""
    import jsonschema_rs

    try:
        return jsonschema_rs.Draft202012Validator(json.loads(schema), retriever=_nothing_is_fetched)
    except Exception as exc:  # whatever another package's worker has published
        logger.warning(
            "the input of %s is not checked here, but in its slots: its schema cannot be compiled: %s",
            model,
            " ".join(str(exc).split())[:200],
        )
        return None


def _nothing_is_fetched(uri: str) -> Any:
    raise ValueError(f"{uri} is not fetched")


def _words(fault: Any, root: str) -> str:
    """One line: the field, what is wrong with it, and the given value if that helps."""
    faults = _telling(fault)
    fault = faults[0]
    steps, kind = list(fault.instance_path), fault.kind.as_dict()
    match fault.kind.name:
        case "required":
            return f"{place_of(root, [*steps, kind['property']])}: is missing"
        case "additionalProperties" | "unevaluatedProperties":
            return f"{place_of(root, [*steps, kind['unexpected'][0]])}: there is no such field"
        case "type":
            types = dict.fromkeys(name for one in faults for name in one.kind.as_dict()["types"])
            return f"{place_of(root, steps)}: is not of the type {' or '.join(types)} (got {_shown(fault.instance)})"
        case "enum":
            words = f"{_shown(fault.instance)} is none of {', '.join(map(_shown, kind['options']))}"
            return f"{place_of(root, steps)}: {_cut(words)}"
    said = " ".join(str(fault.message).split())
    whole = json.dumps(fault.instance, ensure_ascii=False, separators=(",", ":"))
    if len(whole) > SHOWN_CHARS:
        said = said.replace(whole, _shown(fault.instance))
    return f"{place_of(root, steps)}: {_cut(said)}"


def _telling(fault: Any) -> list[Any]:
    """The faults to tell: of «none of these schemas fits» that of the schema which comes nearest.

    That is the deepest fault, or one that is not of the type. If all are of the type and at the same place, it is all.
    """
    while fault.kind.name in ("anyOf", "oneOf"):
        faults = [branch[0] for branch in fault.kind.as_dict().get("context") or () if branch]
        if not faults:
            break
        if all(one.kind.name == "type" and one.instance_path == fault.instance_path for one in faults):
            return faults
        fault = max(faults, key=lambda one: (len(one.instance_path), one.kind.name != "type"))
    return [fault]


def _cut(said: str) -> str:
    return said if len(said) <= SAID_CHARS else said[: SAID_CHARS - 1] + "…"


def _shown(value: Any) -> str:
    shown = json.dumps(value, ensure_ascii=False)
    return shown if len(shown) <= SHOWN_CHARS else shown[: SHOWN_CHARS - 1] + "…"
