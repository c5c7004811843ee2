"""Files that become fields of an input."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from producer.inference.field_files import NO_INPUT, field_files
from tasks.errors import InvalidInput
from tasks.store.artifacts import Store


def test_an_input_gets_the_names_and_the_sizes_are_known_before_anything_is_stored(
    store: Store, tmp_path: Path
) -> None:
    (tmp_path / "a").write_bytes(b"one")
    files = field_files(store, {"image": tmp_path / "a", "more": [b"two", b"three!"]})
    made = files.into({"n": 1})
    assert set(made) == {"n", "image", "more"}
    assert files.into(NO_INPUT) == {"image": made["image"], "more": made["more"]}
    assert files.sizes() == {made["image"]: 3, made["more"][0]: 3, made["more"][1]: 6}
    assert [store.find(name) for name in files.sizes()] == [None] * 3
    files.put(store)
    assert [store.read_bytes(name) for name in (made["image"], *made["more"])] == [b"one", b"two", b"three!"]


def test_a_file_that_is_open_is_stored_when_it_is_read(store: Store) -> None:
    files = field_files(store, {"image": io.BytesIO(b"one")})
    made = files.into({})
    assert store.read_bytes(made["image"]) == b"one"
    assert files.sizes() == {made["image"]: 3}
    files.put(store)


@pytest.mark.parametrize("given", [{"n": 1}, [1], "a", None])
def test_without_files_an_input_stays_as_it_is(store: Store, given: Any) -> None:
    assert field_files(store, {}).into(given) == given


def test_what_cannot_be_a_field_is_named(store: Store) -> None:
    wrong: list[tuple[dict[str, Any], Any, str]] = [
        ({"image": "x.png"}, {}, "image: is a text, 'x.png'; give a file as pathlib.Path"),
        ({"image": Path("none.png")}, {}, "image: none.png: no such file"),
        ({"images": [b"1", None]}, {}, "images: is neither bytes nor a file, but NoneType"),
        ({"image": b"1"}, [1], "files: the input is no object, but list, so it has no field for a file"),
        ({"image": b"1"}, {"image": "a"}, "image: is in the input and among the files; give it once"),
        ({}, NO_INPUT, "input: is missing"),
    ]
    for files, given, words in wrong:
        with pytest.raises(InvalidInput) as refused:
            field_files(store, files).into(given)
        assert str(refused.value).startswith(words)
