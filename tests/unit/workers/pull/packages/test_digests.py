"""Digests in both forms."""

from __future__ import annotations

from pathlib import Path

from tests.fixtures.pull import archives, tiny
from workers.pull.packages.digests import is_right


def test_both_forms_are_compared(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"content")
    assert is_right(path, f"sha256:{tiny.sha256(b'content')}")
    assert is_right(path, archives.integrity(b"content"))
    assert not is_right(path, f"sha256:{tiny.sha256(b'other')}")
    assert not is_right(path, archives.integrity(b"other"))
