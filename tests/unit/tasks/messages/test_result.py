"""A result that says nothing of itself is its kind in words, and no file; every result has a kind of its own."""

from __future__ import annotations

from typing import Literal

import pytest

from tasks import plugins
from tasks.errors import InvalidInput
from tasks.messages.files import Audio
from tasks.messages.result import Result


class Counted(Result):
    """A result of a package that adds as little as it can."""

    kind: Literal["counted"] = "counted"
    total: int


def no_text(name: str) -> str:
    raise AssertionError("there is no text to read")


def test_a_result_is_shown_by_its_kind_and_becomes_no_file_unless_it_says_more() -> None:
    counted = Counted(total=3)
    assert counted.words() == "counted"
    assert list(counted.files(no_text)) == []
    assert not counted.is_folder


def test_its_kind_goes_with_it_and_no_other_is_taken() -> None:
    assert Counted(total=3).fields() == {"kind": "counted", "total": 3}
    with pytest.raises(InvalidInput, match="^kind: "):
        Counted.parse({"kind": "weighed", "total": 3})


def test_the_result_of_a_newer_worker_which_says_more_is_read() -> None:
    assert Counted.parse({"kind": "counted", "total": 3, "mood": "good"}) == Counted(total=3)
    audio = {"artifact": "speech/ab/a.wav", "sample_rate": 22_050, "frames": 1, "bytes": 46}
    assert Audio.parse({**audio, "loudness": -23}) == Audio.parse(audio)


def test_each_result_of_slotline_has_a_kind_that_no_other_has() -> None:
    kinds = [one.model_fields["kind"].default for one in plugins.classes(plugins.MESSAGES, Result)]
    named = [kind for kind in kinds if isinstance(kind, str)]  # what others derive from has none
    assert "chapter" in named
    assert sorted(named) == sorted(set(named))
