"""One input to check an adapter with."""

from __future__ import annotations

import hashlib

from workers.conformance.example import example_of, examples_of, title_of


def test_bytes_become_the_name_of_a_file_wherever_they_stand() -> None:
    made = example_of({"input": {"image": b"png", "more": [b"png", "x"]}}, "cat")
    sha = hashlib.sha256(b"png").hexdigest()
    name = f"file/{sha[:2]}/{sha}.bin"
    assert made.fields == {"model": "cat", "input": {"image": name, "more": [name, "x"]}}
    assert made.files == {name: b"png"}


def test_the_title_is_the_beginning_of_the_input() -> None:
    assert title_of({"text": "Did he leave\nhis name?"}) == "«Did he leave his name?»"
    assert title_of({"text": "1", "speed": 1.5}) == "«1, speed 1.5»"
    assert title_of({"sounds": [b"x"], "frames": 4}) == "«sounds list, frames 4»"
    assert len(title_of({"input": {"a": "b" * 100}})) == 42


def test_each_of_many_becomes_an_example() -> None:
    assert [one.fields["text"] for one in examples_of([{"text": "a"}, {"text": "b"}], "m")] == ["a", "b"]
