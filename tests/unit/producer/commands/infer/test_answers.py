"""How answers are printed and written."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from producer import Client
from producer.commands.infer.answers import (
    AnswerTarget,
    answer_target,
    as_line,
    line_of,
    write_bytes,
    write_files,
    write_lines,
)
from tasks.errors import InvalidInput, ModelError, StoreError
from tasks.messages.infer import InferResult

ERROR = ModelError("input 2: scores.3: NaN is not JSON")


@pytest.fixture
def client(broker: str) -> Client:
    return Client()


def answer(number: int = 0, media_type: str = "application/json", **fields: Any) -> InferResult:
    name = f"infer/ab/{number}.bin"
    return InferResult(artifact=name, media_type=media_type, bytes=7, computed=True, **fields)


VALUE = answer(is_inline=True, output={"label": "ê"})


def test_a_value_is_a_line_and_so_are_bytes_and_errors_by_their_names(client: Client) -> None:
    about = {"artifact": "infer/ab/0.bin", "media_type": "application/json", "bytes": 7, "computed": True}
    error = {"error": {"type": "ModelError", "message": str(ERROR)}}
    assert line_of(client, VALUE, as_record=False) == '{"label": "ê"}'
    assert json.loads(line_of(client, VALUE, as_record=True)) == {"output": {"label": "ê"}, **about}
    for as_record in (True, False):
        assert json.loads(line_of(client, answer(0, "image/png"), as_record)) == {**about, "media_type": "image/png"}
        assert json.loads(line_of(client, ERROR, as_record)) == error


def test_a_line_never_controls_the_terminal_and_stays_json(monkeypatch: pytest.MonkeyPatch) -> None:
    for text in ("\x1b[31mred", "\u202eder", "\x9b31m", "a\nb"):
        assert as_line(text).isprintable()
        assert json.loads(as_line(text)) == text
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="latin-1"))
    assert as_line("ơ") == '"\\u01a1"'


def test_bytes_go_to_a_pipe_and_not_to_a_terminal(client: Client, capfdbinary: Any) -> None:
    picture = answer(1, "image/png")
    client.store.put_bytes(picture.artifact, b"\x89PNG\n\x00\xff")
    write_bytes(client, picture)
    assert capfdbinary.readouterr().out == b"\x89PNG\n\x00\xff"


def test_a_terminal_is_asked_for_a_file(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    with pytest.raises(InvalidInput, match=r"^-o: the answer is 7 B of image/png, which a terminal does not show"):
        write_bytes(client, answer(1, "image/png"))


def test_many_answers_are_a_file_of_lines_or_a_folder_of_files(client: Client, tmp_path: Path) -> None:
    write_lines(["1", "2"], tmp_path / "x.jsonl")
    assert (tmp_path / "x.jsonl").read_text() == "1\n2\n"
    for number, data in enumerate([b'{"a":1}', b"", b"\x89PNG"]):
        client.store.put_bytes(f"infer/ab/{number}.bin", data)
    outcomes: list[Any] = [answer(0), ERROR, answer(2, "image/png")]
    assert write_files(client, outcomes, tmp_path / "out") == 2
    written = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert written == {"01.json": b'{"a":1}', "03.png": b"\x89PNG"}
    with pytest.raises(StoreError, match="cannot be written: Is a directory"):
        write_lines(["1"], tmp_path / "out")


def test_the_target_says_what_is_written_before_anything_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    assert answer_target(None, True) == answer_target("-", False) == AnswerTarget(None)
    assert answer_target("a.json", False) == AnswerTarget(Path("a.json"))
    assert answer_target("new/deep/", True) == AnswerTarget(Path("new/deep"), is_folder=True)
    assert answer_target("new", True).is_folder
    for given, words in {
        "new": "-o: new is a folder; name a file in it",
        "none/a.json": "-o: there is no folder none; make it",
        "pipe": "-o: pipe is no ordinary file; name another",
    }.items():
        with pytest.raises(InvalidInput, match=f"^{words}"):
            answer_target(given, False)
