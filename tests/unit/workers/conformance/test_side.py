"""An instance in this process."""

from __future__ import annotations

from tests.unit.workers.conformance.checked import entry_of
from workers.conformance.looks import Looks
from workers.conformance.side import Here


def test_it_is_there_from_its_begin_to_its_end() -> None:
    side = Here(Looks, entry_of("rehearsal"), "cpu")
    assert not side.is_there
    side.begin()
    assert side.is_there
    assert side.call("make", limit_s=1.0).craft == "speech"
    side.end()
    assert not side.is_there
