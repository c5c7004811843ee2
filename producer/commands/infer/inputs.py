"""The inputs that a person gives to a command: JSON, files of JSON, files with a JSON value a line. Sends nothing.

All of them are read before anything is sent. What is no JSON is one line that names the place.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from producer.files.given_file import check_ordinary, reading
from tasks.errors import InvalidInput
from tasks.terminal.printable import shortened

LINES = frozenset({".jsonl", ".ndjson"})
"""The endings of files with one input a line."""

STANDARD_INPUT = "standard input"
SHOWN_CHARS = 40


@dataclass(frozen=True)
class Inputs:
    """The inputs in order, and a title for people. `are_many`: they become a job of many, even if there is only one."""

    values: Sequence[Any]
    are_many: bool
    title: str = ""
    sources: Sequence[Path] = field(default=(), compare=False)
    """The files that they were read from."""


def read_inputs(given: Sequence[str], are_files_given: bool = False) -> Inputs:
    """The inputs that these words name: JSON, `@file`, `-` (standard input), or a file with one a line.

    Without a word it is an empty object, which gets its fields from files. Raises `InvalidInput`.
    """
    if not given:
        if not are_files_given:
            raise InvalidInput("INPUT: is missing; give JSON, @FILE, - for standard input, or --file NAME=PATH")
        return Inputs([{}], are_many=False)
    found = [_read(word) for word in given]
    values = [value for one in found for value in one.values]
    title = found[0].title if len(found) == 1 else ""
    sources = [path for one in found for path in one.sources]
    return Inputs(values, len(found) > 1 or found[0].are_many, title, sources)


def _read(word: str) -> Inputs:
    if word == "-":
        return _document_or_lines(_decoded(sys.stdin.buffer.read(), STANDARD_INPUT), STANDARD_INPUT)
    if Path(word).suffix.lower() in LINES:
        path = Path(word.removeprefix("@"))
        return Inputs(list(_lines(_content(path), str(path))), are_many=True, title=path.stem, sources=[path])
    if word.startswith("@"):
        path = Path(word.removeprefix("@"))
        return Inputs([_parsed(_content(path), str(path))], are_many=False, sources=[path])
    return Inputs([_argument(word)], are_many=False)


def _argument(word: str) -> Any:
    try:
        return _parsed(word, "INPUT")
    except InvalidInput as exc:
        if not word.strip() or any(one in word for one in '{}[]"'):
            raise
        shown = shortened(word, SHOWN_CHARS)
        hint = f"a file is @{shown}" if Path(word).is_file() else f"""a text has quotes of its own: '"{shown}"'"""
        raise InvalidInput(f"{exc}; {hint}") from exc


def _document_or_lines(content: str, called: str) -> Inputs:
    """One JSON value, over any number of lines; or one on each line."""
    try:
        return Inputs([_parsed(content, called)], are_many=False)
    except InvalidInput:
        first = content.lstrip().partition("\n")[0]
        try:
            json.loads(first)
        except ValueError:
            pass
        else:
            return Inputs(list(_lines(content, called)), are_many=True)
        raise


def _lines(content: str, called: str) -> Iterator[Any]:
    found = False
    for number, line in enumerate(content.split("\n"), 1):
        if line.strip():
            found = True
            yield _parsed(line, f"{called} line {number}")
    if not found:
        raise InvalidInput(f"{called}: has no input; write one JSON value a line")


def _content(path: Path) -> str:
    if not path.name:
        raise InvalidInput("INPUT: name a file behind the @")
    with reading(path):
        check_ordinary(path, "a file of JSON")
        data = path.read_bytes()
    return _decoded(data, str(path))


def _decoded(data: bytes, called: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise InvalidInput(f"{called}: is not UTF-8 (byte {exc.start + 1})") from exc


def _parsed(text: str, called: str) -> Any:
    if not text.strip():
        raise InvalidInput(f"{called}: is empty; it should be JSON")
    try:
        return json.loads(text, parse_constant=_refuse, object_pairs_hook=_object)
    except RecursionError as exc:
        raise InvalidInput(f"{called}: is nested too deep") from exc
    except json.JSONDecodeError as exc:
        where = f"line {exc.lineno}, character {exc.colno}" if exc.lineno > 1 else f"character {exc.colno}"
        raise InvalidInput(f"{called}: {shortened(text, SHOWN_CHARS)!r} is not JSON ({exc.msg}, {where})") from exc
    except ValueError as exc:
        raise InvalidInput(f"{called}: {exc}") from exc


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


def _object(pairs: Sequence[tuple[str, Any]]) -> Mapping[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(name for number, (name, _) in enumerate(pairs) if name in dict(pairs[:number]))
        raise ValueError(f"{twice[:SHOWN_CHARS]!r} is in one object twice")
    return found
