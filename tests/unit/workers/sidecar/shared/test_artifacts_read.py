"""The artifacts that inputs name: read once, kept up to a size, and never what could not be read."""

from __future__ import annotations

import pytest

from tasks.errors import ArtifactMissing
from workers.sidecar.shared.artifacts_read import ArtifactsRead


class Reader:
    """A store of artifacts whose names say how long they are; it notes what is read."""

    def __init__(self) -> None:
        self.read: list[str] = []
        self.is_away = False

    def __call__(self, name: str) -> bytes:
        self.read.append(name)
        if self.is_away:
            raise ArtifactMissing(name)
        return name.encode() * int(name[-1])


def test_what_was_read_lately_is_not_read_again_and_the_oldest_gives_way() -> None:
    reader = Reader()
    artifacts = ArtifactsRead(reader, kept_bytes=10)
    for name in ("a4", "b1", "a4", "b1"):
        assert artifacts.read_bytes(name) == name.encode() * int(name[-1])
    assert reader.read == ["a4", "b1"]
    artifacts.read_bytes("c1")
    assert artifacts.read_bytes("b1") == b"b1"
    artifacts.read_bytes("a4")
    assert reader.read == ["a4", "b1", "c1", "a4"]


def test_what_is_larger_than_all_that_is_kept_is_read_each_time() -> None:
    reader = Reader()
    artifacts = ArtifactsRead(reader, kept_bytes=10)
    for name in ("a1", "z9", "z9", "a1"):
        artifacts.read_bytes(name)
    assert reader.read == ["a1", "z9", "z9"]


def test_an_artifact_that_was_missing_is_looked_for_again() -> None:
    reader = Reader()
    reader.is_away = True
    artifacts = ArtifactsRead(reader)
    with pytest.raises(ArtifactMissing, match="a1"):
        artifacts.read_bytes("a1")
    reader.is_away = False
    assert artifacts.read_bytes("a1") == b"a1"


def test_a_size_is_asked_without_reading_unless_it_was_read_already() -> None:
    reader = Reader()
    sizes = {"a4": 8, "b1": 2}
    artifacts = ArtifactsRead(reader, 100, sizes.__getitem__)
    assert (artifacts.size_of("a4"), reader.read) == (8, [])
    artifacts.read_bytes("a4")
    sizes.clear()
    assert artifacts.size_of("a4") == 8
    assert ArtifactsRead(reader).size_of("b1") == 2
