"""The folder in which a pull builds a model, and the one step that makes it the model's folder.

Guarantees: at the model's path stands, at every moment and after a kill, the whole old model, the whole new one, or
nothing. Files and folders are synced to the disk before the rename, so this also holds after a power failure.
What was fetched whole stays for the next pull until one has succeeded.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from tasks.errors import PullFailed, SettingsError
from workers.pull import manifest
from workers.pull.installed import Installed
from workers.pull.keeping import keep_added, same_file
from workers.pull.manifest import FileRecord, Manifest
from workers.pull.place import WORK, Place
from workers.pull.recipe import Recipe, RecipeFile, Way


class Staging:
    """One model's staging folder; the lock of its name is held while it is used."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self.model = place.work / "model"
        """The folder that becomes the model's: each file at its path in the recipe."""
        self.archives = place.work / "archives"
        """What was fetched; kept between pulls, so that only what is missing is fetched."""
        self.temporary = place.work / "temporary"
        """For what a source's own programs write; emptied when a pull begins."""
        self.hub_lock = place.hub_lock
        self._old = place.work / "old"

    def recover(self) -> None:
        """Put back an old model whose replacement was cut off between its two renames."""
        if self._old.exists() and not self._place.target.exists():
            os.rename(self._old, self._place.target)
        remove(self._old)

    def begin(self) -> None:
        """Make the folders of a way, without what an earlier way or pull has left half done in them."""
        for folder in (self.model, self.temporary):
            remove(folder)
            folder.mkdir(parents=True)
        self.archives.mkdir(exist_ok=True)

    def keep_from(self, old: Installed, way: Way) -> None:
        """Take over what of an old model is the same file, so that it is not fetched again."""
        known = old.manifest.files if old.manifest else {}
        damaged = {fault.path for fault in old.faults}
        for file in way.files:
            record = known.get(file.path)
            if record and file.sha256 == record.sha256 and file.path not in damaged:
                same_file(self._place.target / file.path, self.path_of(file.path))

    def adopt(self, path: str, sha256: str) -> bool:
        """Whether this file is built already; it is taken over from an old model, if that has it with this digest."""
        built, old = self.path_of(path), self._place.target / path
        if not built.exists() and sha256 and old.is_file() and manifest.sha256_of(old) == sha256:
            share(old, built)
        return built.exists()

    def path_of(self, path: str) -> Path:
        """Where the file of this path in the recipe is built; its folder is made."""
        if not manifest.is_inside(path):
            raise PullFailed(f"{path!r} is not a path in the model's folder: refused")
        built = self.model / path
        built.parent.mkdir(parents=True, exist_ok=True)
        return built

    def has(self, file: RecipeFile) -> bool:
        """Whether this file is built, and is the right one; where no digest is known, it is not."""
        built = self.model / file.path
        return bool(file.sha256) and built.is_file() and manifest.sha256_of(built) == file.sha256

    def missing_bytes(self, way: Way) -> int:
        """The room that this way needs for what is not here yet: what it fetches, and what is built of it."""
        built = sum(file.bytes for file in way.files if not (self.model / file.path).exists())
        fetched = sum(path.stat().st_size for path in self.archives.rglob("*") if path.is_file())
        return built + max(0, way.download_bytes - fetched) if built else 0

    def need_room(self, need_bytes: int) -> None:
        """Raise `PullFailed` if the disk has less room than this besides what was fetched already."""
        fetched = sum(path.stat().st_size for path in self.archives.rglob("*") if path.is_file())
        need_room(self._place, max(0, need_bytes - fetched))

    def check(self, recipe: Recipe, way: Way, revision: str) -> Manifest:
        """The manifest of what was built; raises `PullFailed` for a file that is missing or not the recipe's."""
        found = {
            path.relative_to(self.model).as_posix(): FileRecord(
                bytes=path.stat().st_size, sha256=manifest.sha256_of(path)
            )
            for path in sorted(self.model.rglob("*"))
            if path.is_file() and path.name != manifest.NAME
        }
        for file in way.files:
            record = found.get(file.path)
            if record is None:
                raise PullFailed(f"{recipe.name}: {way.source} gave no {file.path}; nothing was installed")
            if file.sha256 and record.sha256 != file.sha256:
                raise PullFailed(
                    f"{recipe.name}: {file.path} from {way.source} is not the file of the recipe (SHA-256 "
                    f"{record.sha256}, expected {file.sha256}); nothing was installed"
                )
            if file.bytes and record.bytes != file.bytes:
                raise PullFailed(
                    f"{recipe.name}: {file.path} from {way.source} has {record.bytes:,} bytes, "
                    f"expected {file.bytes:,}; nothing was installed"
                )
        return Manifest(
            recipe=recipe.name,
            source=way.source,
            licence=recipe.licence,
            revision=revision,
            lacks=way.lacks,
            files=found,
        )

    def install(self, made: Manifest) -> None:
        """Make what was built the model's folder, with what people have added to the old one; remove what is left."""
        (self.model / manifest.NAME).write_text(made.model_dump_json(indent=2) + "\n", encoding="utf-8")
        keep_added(self._place.target, self.model)
        for path in (self.model, *self.model.rglob("*")):
            if not path.is_symlink():
                _sync(path)
        if self._place.target.exists():
            os.rename(self._place.target, self._old)
        os.rename(self.model, self._place.target)
        _sync(self._place.folder)
        remove(self._place.work)


@contextlib.contextmanager
def disk_errors(place: Place) -> Iterator[None]:
    """Say what cannot be written, in one line: `PullFailed` for a full disk, `SettingsError` for a missing right."""
    try:
        yield
    except OSError as exc:
        if exc.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise PullFailed(
                f"{place.name}: the disk of {place.folder} is full ({exc.strerror}); make room, and pull again: "
                "what was fetched whole is kept"
            ) from exc
        if exc.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST):
            raise SettingsError(
                f"{exc.filename or place.folder} cannot be written ({exc.strerror}); name another folder with --into"
            ) from exc
        raise PullFailed(f"{place.name}: {exc.filename or place.folder}: {exc.strerror or exc}") from exc


def need_room(place: Place, need_bytes: int) -> None:
    """Raise `PullFailed` if the disk has less room than this, before anything is fetched."""
    free_bytes = shutil.disk_usage(place.folder).free
    if free_bytes < need_bytes:
        raise PullFailed(
            f"{place.name}: needs {need_bytes / 1e6:,.0f} MB in {place.folder / WORK}, but only "
            f"{free_bytes / 1e6:,.0f} MB are free; make room, or name another folder with --into"
        )


def share(file: Path, copy: Path) -> None:
    """The file also at `copy`; as one file on the disk, where the file system can do that."""
    try:
        os.link(file, copy)
    except OSError:
        shutil.copyfile(file, copy)


def remove(folder: Path) -> None:
    """Remove a folder with all that is in it, if it is there."""
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(folder)


def _sync(path: Path) -> None:
    """Wait until the disk has this file, or this folder's list of files."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
