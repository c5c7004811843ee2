"""The inputs of `slotline infer`: JSON in words, in files, on lines; and one line about what is no JSON."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

import pytest

from producer.commands.infer.inputs import Inputs, read_inputs
from tasks.errors import InvalidInput


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def type_in(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


@pytest.mark.parametrize(("word", "value"), [('{"text": "ê"}', {"text": "ê"}), ('"a"', "a"), ("null", None), ("5", 5)])
def test_a_word_is_one_input(word: str, value: object) -> None:
    assert read_inputs([word]) == Inputs([value], are_many=False)


def test_a_file_of_json_is_one_input_and_one_with_lines_is_many(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("one.json").write_text('\ufeff{\n "text": "a"\n}\n')
    Path("many.jsonl").write_text('{"text": "a\u2028b"}\r\n\n[1]\n"two"')
    assert read_inputs(["@one.json"]) == Inputs([{"text": "a"}], are_many=False)
    many = Inputs([{"text": "a\u2028b"}, [1], "two"], are_many=True, title="many")
    assert read_inputs(["many.jsonl"]) == read_inputs(["@many.jsonl"]) == many
    assert read_inputs(["1", "@one.json", "many.jsonl"]).values == [1, {"text": "a"}, *many.values]
    assert read_inputs(["1", "2"]) == Inputs([1, 2], are_many=True)
    Path("single.jsonl").write_text("1")
    assert read_inputs(["single.jsonl"]).are_many


def test_standard_input_is_one_input_or_one_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    type_in(monkeypatch, b'{\n"text": "a"}\n')
    assert read_inputs(["-"]) == Inputs([{"text": "a"}], are_many=False)
    type_in(monkeypatch, b"\n1\n2\n")
    assert read_inputs(["-"]) == Inputs([1, 2], are_many=True)


def test_without_a_word_the_files_are_all_there_is() -> None:
    assert read_inputs([], are_files_given=True) == Inputs([{}], are_many=False)


WRONG = {
    "hello": """INPUT: 'hello' is not JSON (Expecting value, character 1); a text has quotes of its own: '"hello"'""",
    "one.json": "INPUT: 'one.json' is not JSON (Expecting value, character 1); a file is @one.json",
    "{text: 1}": "INPUT: '{text: 1}' is not JSON (Expecting property name enclosed in double quotes, character 2)",
    '{"a": NaN}': "INPUT: NaN is not JSON",
    '{"a": 1, "a": 2}': "INPUT: 'a' is in one object twice",
    "": "INPUT: is empty; it should be JSON",
    "[" * 100_000: "INPUT: is nested too deep",
    "@none.json": "none.json: no such file",
    "@": "INPUT: name a file behind the @",
    "@.": "INPUT: name a file behind the @",
    "@folder": "folder: a folder; name a file of JSON in it",
    "none.jsonl": "none.jsonl: no such file",
    "empty.jsonl": "empty.jsonl: has no input; write one JSON value a line",
    "third.jsonl": "third.jsonl line 4: '{\"a\": }' is not JSON (Expecting value, character 7)",
    "@latin.json": "latin.json: is not UTF-8 (byte 2)",
    "@two.json": "two.json: '1 2' is not JSON (Extra data, line 2, character 1)",
}


@pytest.mark.parametrize("word", WRONG, ids=lambda word: word[:12])
def test_what_is_no_json_is_one_line_that_names_the_place(word: str) -> None:
    Path("folder").mkdir()
    contents = {"one.json": "1", "empty.jsonl": "\n \n", "third.jsonl": '1\n\n2\n{"a": }\n', "two.json": "1\n2\n"}
    for name, content in contents.items():
        Path(name).write_text(content)
    Path("latin.json").write_bytes(b'"\xfc"')
    with pytest.raises(InvalidInput, match=f"^{re.escape(WRONG[word])}$"):
        read_inputs([word])


def test_what_is_wrong_on_standard_input_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for typed, words in {
        b"": "standard input: is empty",
        b"hello\n": "standard input: 'hello' is not JSON",
        b"1\nhello\n": "standard input line 2: 'hello' is not JSON",
        b"\xff": "standard input: is not UTF-8 (byte 1)",
    }.items():
        type_in(monkeypatch, typed)
        with pytest.raises(InvalidInput, match=f"^{re.escape(words)}"):
            read_inputs(["-"])
    with pytest.raises(InvalidInput, match="^INPUT: is missing; give JSON, @FILE, - for standard input, or --file"):
        read_inputs([])
