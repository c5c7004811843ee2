"""Names of artifacts, which outlive versions of slotline, and the pointer files that describe them."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tasks.errors import InvalidInput
from tasks.store.names import (
    JSON,
    Artifact,
    checked_name,
    from_pointer,
    is_file_of,
    name_of,
    name_of_bytes,
    pointer_name,
    to_pointer,
)

SHA256 = "0123456789abcdef" * 4
ARTIFACT = Artifact("speech/ab/abc.wav", 5, SHA256, {"frames": 7})


def test_a_name_is_the_digest_of_its_ingredients_whatever_their_order() -> None:
    assert name_of("speech", "wav", {"b": "é", "a": 1}) == name_of("speech", "wav", {"a": 1, "b": "é"})
    # Names outlive versions of slotline. The digest: printf '{"a":1,"b":"é"}' | sha256sum
    key = "09ad9fd2fb648cb2f62141215828ea00a62c299db05d20aa9ade2f527a301cc6"
    assert name_of("speech", "wav", {"a": 1, "b": "é"}) == f"speech/09/{key}.wav"


def test_any_other_ingredient_gives_another_name() -> None:
    variants: list[dict[str, JSON]] = [{"a": 1}, {"a": 1.0}, {"a": "1"}, {"a": None}, {"b": 1}, {"a": [1]}, {}]
    assert len({name_of("speech", "wav", variant) for variant in variants}) == len(variants)


def test_an_ingredient_that_no_json_can_hold_has_no_name() -> None:
    with pytest.raises(ValueError, match="JSON"):
        name_of("speech", "wav", {"speed": float("nan")})


def test_bytes_are_named_by_themselves() -> None:
    # printf x | sha256sum
    key = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    assert name_of_bytes("text", "txt", b"x") == f"text/2d/{key}.txt"


def test_a_name_that_leads_out_of_the_store_or_is_too_long_is_refused_in_one_line() -> None:
    assert checked_name("speech/ab/abc.wav") == "speech/ab/abc.wav"
    for wrong in ("../a.wav", "/a/b.wav", "speech/../a.wav", "a.wav", "a/b.wav\n", "a/" + "b" * 150 + ".wav"):
        with pytest.raises(InvalidInput, match="is not the name of an artifact") as caught:
            checked_name(wrong)
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 160


def test_the_data_file_ends_as_players_want_it_and_is_another_for_other_content() -> None:
    assert ARTIFACT.data_name == "speech/ab/abc.0123456789abcdef.wav"
    assert ARTIFACT.pointer_name == "speech/ab/abc.wav.json"


@pytest.mark.parametrize(
    ("file_name", "belongs"),
    [
        ("abc.wav.json", True),
        ("abc.0123456789abcdef.wav", True),
        ("abc.fedcba9876543210.wav", True),
        ("abc.wav", True),
        ("abc.0123456789abcde.wav", False),
        ("abcd.0123456789abcdef.wav", False),
        ("abc.0123456789abcdef.flac", False),
        ("abc.0123456789abcdef_wav", False),
        (".abc.0123456789abcdef.wav.part", False),
    ],
)
def test_the_files_of_an_artifact_are_known_by_their_names(file_name: str, belongs: bool) -> None:
    assert is_file_of(file_name, ARTIFACT.name) is belongs


def test_a_pointer_comes_back_as_the_artifact_that_it_was_written_for() -> None:
    assert from_pointer(ARTIFACT.name, to_pointer(ARTIFACT).encode()) == ARTIFACT
    assert pointer_name(ARTIFACT.name) == ARTIFACT.pointer_name


@pytest.mark.parametrize("text", ["Xin chào, 世界 😀", "half a pair \ud83d"])
def test_any_text_in_details_comes_back_and_takes_its_own_bytes_if_it_has_some(text: str) -> None:
    artifact = replace(ARTIFACT, details={"pieces": [[text, 0.0, 1.5, []]]})
    content = to_pointer(artifact).encode()
    assert from_pointer(artifact.name, content) == artifact
    assert ("\ud83d" in text) or text.encode() in content


@pytest.mark.parametrize(
    "changed",
    [
        {"bytes": "5"},
        {"bytes": None},
        {"sha256": "../../etc"},
        {"sha256": SHA256 + "0"},
        {"sha256": 5},
        {"details": []},
    ],
    ids=str,
)
def test_a_pointer_with_a_field_of_another_sort_is_none(changed: dict[str, object]) -> None:
    fields = {**json.loads(to_pointer(ARTIFACT)), **changed}
    assert from_pointer(ARTIFACT.name, json.dumps(fields).encode()) is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"bytes": 5}'])
def test_a_pointer_that_is_cut_short_or_foreign_is_none(content: bytes) -> None:
    assert from_pointer(ARTIFACT.name, content) is None
