"""Prints and writes what a model has answered: JSON as lines, bytes to files or to standard output.

A line of JSON never controls the terminal that shows it. Waits for nothing.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from producer.commands.targets import check_place, check_writable, write_out
from producer.files.names import numbered_name
from producer.files.save import make_folder, save
from tasks.errors import InvalidInput, SlotlineError, StoreError
from tasks.messages.infer import JSON_TYPE, InferResult, extension_of
from tasks.store.atomic import whole_file
from tasks.store.file_system import BLOCK_BYTES
from tasks.store.scratch import scratch_folder
from tasks.terminal.printable import printable

if TYPE_CHECKING:
    from producer.client import Client
    from producer.map_job import Outcomes

STREAM = "-"


@dataclass(frozen=True)
class AnswerTarget:
    """Where answers go: a file, a folder with a file for each of many, or standard output (no path)."""

    path: Path | None
    is_folder: bool = False


def answer_target(given: str | None, are_many: bool, sources: Sequence[Path] = ()) -> AnswerTarget:
    """What `-o` says; raises `InvalidInput` if it cannot be written, or is one of the files `sources` that are read.

    Makes a folder for many answers.
    """
    if given is None or given == STREAM:
        return AnswerTarget(None)
    path = Path(given)
    if not (path.is_dir() or given.endswith("/")):
        check_place(path)
        if path.exists() and any(path.samefile(source) for source in sources):
            raise InvalidInput(f"-o: {given} is a file of the input; name another")
        return AnswerTarget(path)
    if not are_many:
        raise InvalidInput(f"-o: {given} is a folder; name a file in it")
    make_folder(path)
    check_writable(path)
    return AnswerTarget(path, is_folder=True)


def line_of(client: Client, outcome: InferResult | SlotlineError, as_record: bool) -> str:
    """One answer as a line of JSON. Bytes are a record with the name of their artifact; an error is one with its words.

    `as_record`: a JSON value is a record, too, with the field `output`.
    """
    if isinstance(outcome, SlotlineError):
        return as_line({"error": {"type": type(outcome).__name__, "message": str(outcome)}})
    if outcome.media_type == JSON_TYPE and not as_record:
        return as_line(client.output_of(outcome))
    about = {name: getattr(outcome, name) for name in ("artifact", "media_type", "bytes", "computed")}
    is_json = outcome.media_type == JSON_TYPE
    return as_line({"output": client.output_of(outcome), **about} if is_json else about)


def as_line(value: Any) -> str:
    """JSON in one line, with escapes where a terminal, or its encoding, could not show a character as it is."""
    text = json.dumps(value, ensure_ascii=False)
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    is_shown = printable(text) == text and text.encode(encoding, "ignore").decode(encoding) == text
    return text if is_shown else json.dumps(value)


def write_bytes(client: Client, result: InferResult) -> None:
    """The bytes of an answer to standard output; raises `InvalidInput` if that is a terminal."""
    if sys.stdout.isatty():
        raise InvalidInput(
            f"-o: the answer is {result.words()}, which a terminal does not show; name a file for it. It is kept: the "
            "same command gets it without computing it again"
        )
    with scratch_folder() as folder:
        client.store.fetch(result.artifact, folder / "answer")
        with (folder / "answer").open("rb") as file:
            while block := file.read(BLOCK_BYTES):
                write_out(block)


def write_lines(lines: Sequence[str], path: Path) -> None:
    """The lines as a file, whole or not at all."""
    try:
        with whole_file(path) as draft, draft.open("w", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)
    except OSError as exc:
        raise StoreError(f"{path} cannot be written: {exc.strerror}") from exc


def write_files(client: Client, outcomes: Outcomes, folder: Path) -> int:
    """Each answer as a numbered file of its own kind; returns how many. What failed has no file."""
    written = 0
    for number, one in enumerate(outcomes, 1):
        if isinstance(one, InferResult):
            name = numbered_name(number, "", len(outcomes), extension_of(one.media_type))
            written += len(save(client.store, one, folder / name, None))
    return written
