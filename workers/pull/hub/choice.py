"""Which files of a repository a way takes. Pure.

A recipe's file must be there. A pattern takes what it matches, if anything: `voices/*.pt`. A pattern with `|` is a
choice of forms, the best first, of which one must be there: `model.safetensors|pytorch_model.bin`.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from tasks.errors import PullFailed, SourceUnavailable
from workers.pull.hub.lock import LockedFile
from workers.pull.recipe import RecipeFile, Way


def chosen(way: Way, repo: str, listed: Mapping[str, Mapping[str, Any]]) -> dict[str, LockedFile]:
    """Path in the model's folder -> file of this repository. `listed` is what the hub says of all its files.

    Raises `SourceUnavailable` for a file that lacks, and `PullFailed` for one that is not the recipe's.
    """
    found: dict[str, LockedFile] = {}
    for file in way.files:
        owner, _, origin = (file.origin if ":" in file.origin else f"{way.repo}:{file.origin}").partition(":")
        if owner == repo:
            origin = origin or file.path
            if origin not in listed:
                raise SourceUnavailable(f"{repo} has no file {origin}")
            found[file.path] = _checked(file, _file(repo, origin, listed))
    for pattern in way.patterns if repo == way.repo else ():
        found |= {name: _file(repo, name, listed) for name in _matching(pattern, repo, listed) if name not in found}
    return found


def _matching(pattern: str, repo: str, listed: Mapping[str, Any]) -> list[str]:
    if "|" not in pattern:
        return sorted(name for name in listed if fnmatchcase(name, pattern))
    forms = pattern.split("|")
    if not (there := [name for name in forms if name in listed]):
        raise SourceUnavailable(f"{repo} has none of the files {', '.join(forms)}")
    return there[:1]


def _file(repo: str, origin: str, listed: Mapping[str, Mapping[str, Any]]) -> LockedFile:
    return LockedFile(repo=repo, origin=origin, **listed[origin])


def _checked(recipe: RecipeFile, file: LockedFile) -> LockedFile:
    """The file with the recipe's digest; raises `PullFailed` if the hub says already that it is another one."""
    if recipe.sha256 and file.sha256 and file.sha256 != recipe.sha256:
        raise PullFailed(f"{recipe.path}: {file.repo} has a file with SHA-256 {file.sha256}, expected {recipe.sha256}")
    return file.model_copy(update={"sha256": recipe.sha256 or file.sha256})
