"""The model hub as a source: files of a commit, by huggingface_hub in a process of its own, locked at the first pull.

Guarantees: all files of a repository are of one commit, also over a pull that was cut off; each has the digest that the
recipe names, or the lock, or the hub itself. What differs from the recipe or the lock is refused.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from tasks.errors import PullFailed, SourceUnavailable
from workers.pull import manifest
from workers.pull.hub import lock
from workers.pull.hub.choice import chosen
from workers.pull.hub.client import HubProcess, RevisionGone
from workers.pull.hub.lock import HubLock, LockedFile
from workers.pull.recipe import HUB, Recipe, Way
from workers.pull.source import Report
from workers.pull.staging import Staging, share

TAKE_NEWEST = "--update takes the newest"


class Hub:
    """See `Source`. With `newest` it does not keep to the lock, and writes a new one."""

    name = HUB

    def __init__(self, newest: bool = False) -> None:
        self._newest = newest

    def fetch(self, recipe: Recipe, way: Way, staging: Staging, report: Report) -> str:
        """Fetch the files of this way, and lock them; the commits that they are of."""
        kept, begun = staging.hub_lock, staging.archives / "hub" / "begun.json"
        before = None if self._newest else lock.read(kept) or lock.read(begun)
        with HubProcess() as process:
            found = self._found(process, recipe, way, before or HubLock(), kept)
            lock.write(begun, found)  # a pull that is cut off goes on with this commit
            missing = [file for path, file in found.files.items() if not staging.adopt(path, file.sha256)]
            staging.need_room(sum(file.bytes for file in missing))
            made = {
                path: self._fetched(process, path, file, found, staging, report) for path, file in found.files.items()
            }
        locked = HubLock(repos=found.repos, files=made)
        if locked != lock.read(kept):
            lock.write(kept, locked)
            report.note(f"{recipe.name}: locked to {locked.revision}, with the SHA-256 of each file, in {kept}")
        return locked.revision

    def _found(self, process: HubProcess, recipe: Recipe, way: Way, before: HubLock, kept: Path) -> HubLock:
        """The commit of each repository, and the files to take of it, as the hub, the lock and the recipe know them."""
        repos: dict[str, str] = {}
        files: dict[str, LockedFile] = {}
        for repo in repositories(way):
            wanted = before.repos.get(repo) or (way.revision if repo == way.repo else "")
            try:
                answer = process.info(repo, wanted or None)
            except RevisionGone as exc:
                raise SourceUnavailable(f"{exc}; {TAKE_NEWEST}") from exc
            repos[repo] = answer["commit"]
            files |= chosen(way, repo, answer["files"])
        if differ := before.differences(files):
            raise PullFailed(
                f"{recipe.name}: the hub has other files than those locked in {kept}: {'; '.join(differ)}; "
                f"refused. If the change is right, {TAKE_NEWEST}"
            )
        return HubLock(repos=repos, files={path: _joined(file, before.files.get(path)) for path, file in files.items()})

    def _fetched(
        self, process: HubProcess, path: str, file: LockedFile, found: HubLock, staging: Staging, report: Report
    ) -> LockedFile:
        """The file at its place in the staging folder, with its SHA-256."""
        built = staging.path_of(path)
        if not built.exists():  # else it was there before, and was compared
            commit = found.repos[file.repo]
            folder = staging.archives / "hub" / commit
            folder.mkdir(parents=True, exist_ok=True)
            got = process.download(
                file.repo, commit, file.origin, folder, lambda done: report.update(path, done, file.bytes)
            )
            report.fetched(path, got.stat().st_size)
            _check(path, file, got, folder)
            share(got, built)
        return file.model_copy(update={"bytes": built.stat().st_size, "sha256": manifest.sha256_of(built)})


def repositories(way: Way) -> list[str]:
    """The repositories of this way: its own, and those that a file's origin names."""
    others = [file.origin.partition(":")[0] for file in way.files if ":" in file.origin]
    return list(dict.fromkeys([way.repo, *others]))


def _joined(file: LockedFile, before: LockedFile | None) -> LockedFile:
    """What is known by either: of a small file the hub does not tell the SHA-256, but the lock does."""
    if before is None:
        return file
    return file.model_copy(update={"sha256": file.sha256 or before.sha256, "bytes": file.bytes or before.bytes})


def _check(path: str, file: LockedFile, got: Path, folder: Path) -> None:
    """Raise `PullFailed`, and remove the file, if it is not what the hub, the lock or the recipe says."""
    size = got.stat().st_size
    sha256 = manifest.sha256_of(got)
    wrong = ""
    if file.bytes and size != file.bytes:
        wrong = f"{size:,} bytes, expected {file.bytes:,}"
    elif file.sha256 and sha256 != file.sha256:
        wrong = f"SHA-256 {sha256}, expected {file.sha256}"
    elif file.git and not file.sha256 and git_digest(got) != file.git:
        wrong = f"another content than the hub's own digest of it, {file.git}"
    if wrong:
        shutil.rmtree(folder)
        raise PullFailed(f"{path}: what came from {file.repo} has {wrong}; refused, nothing was installed")


def git_digest(path: Path) -> str:
    """Git's digest of a file's content, with which the hub names small files."""
    sha = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            sha.update(block)
    return sha.hexdigest()
