"""What the tests of the store share: stores on two file systems and in both layouts, with their files."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fsspec
import pytest

from tasks.store.artifacts import Store
from tasks.store.names import Artifact


@dataclass
class Place:
    """A store and, behind its back, its files; each artifact is `single` file, or a pointer and its data."""

    url: str
    store: Store
    fs: Any
    root: str
    single: bool

    def files(self) -> dict[str, bytes]:
        """All files, hidden ones too, by path below the root."""
        if not self.fs.exists(self.root):
            return {}
        return {path.removeprefix(self.root + "/"): self.fs.cat_file(path) for path in self.fs.find(self.root)}

    def path(self, name: str) -> str:
        """The full path of a file."""
        return f"{self.root}/{name}"

    def data_path(self, put: Artifact) -> str:
        """The full path of the file that begins with the artifact's data."""
        return self.path(put.name if self.single else put.data_name)

    def overwrite(self, put: Artifact, data: bytes) -> None:
        """Put other bytes in the place of the artifact's data, and leave what is kept beside them."""
        path = self.data_path(put)
        self.fs.pipe_file(path, data + self.fs.cat_file(path)[put.bytes :])


def made_place(request: pytest.FixtureRequest, system: str, single: bool) -> Place:
    """A store on the `local` disk or in `memory`, whose root does not exist yet."""
    folder: Path = request.getfixturevalue("tmp_path")
    url = str(folder / "kho lưu") if system == "local" else f"memory://{secrets.token_hex(8)}/deep"
    fs, root = fsspec.core.url_to_fs(url)
    if not single:
        patch: pytest.MonkeyPatch = request.getfixturevalue("monkeypatch")
        patch.setattr("tasks.store.writing.ONE_FILE_BYTES", -1)
    return Place(url, Store(url), fs, root, single)


@pytest.fixture(params=["local", "memory", "local-pairs", "memory-pairs"])
def place(request: pytest.FixtureRequest) -> Place:
    system, _, layout = request.param.partition("-")
    return made_place(request, system, not layout)


@pytest.fixture(params=["local", "memory"])
def pairs(request: pytest.FixtureRequest) -> Place:
    return made_place(request, request.param, single=False)


@pytest.fixture(params=["local", "memory"])
def singles(request: pytest.FixtureRequest) -> Place:
    return made_place(request, request.param, single=True)
