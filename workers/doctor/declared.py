"""What slotline's own package declares: its Python, its dependencies with the versions that were tested, its extras.

Read from the installed package or, in a checkout, from its pyproject.toml, which may be newer. Installs nothing.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

NAME = "slotline"
PROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"
PYTHON = "Programming Language :: Python :: 3."

FOR_DEVELOPERS = frozenset({"test-fast", "test", "test-all", "bench", "dev"})
"""Extras for work on slotline itself."""


@dataclass(frozen=True)
class Declared:
    """The requirements that count on this machine (`sys_platform`, `python_version`); extras by name, for users."""

    pythons: tuple[str, ...]
    """The versions of Python that were tested: `3.11`."""
    dependencies: tuple[Requirement, ...]
    extras: Mapping[str, tuple[Requirement, ...]]

    def needs_of(self, extra: str) -> list[Requirement]:
        """All packages of an extra, also those of the extras that it names itself."""
        return list(self._needs(extra, frozenset()))

    def _needs(self, extra: str, above: frozenset[str]) -> Iterator[Requirement]:
        for one in self.extras.get(extra, ()):
            if one.name != NAME:
                yield one
            else:
                for other in sorted(one.extras - above - {extra}):
                    yield from self._needs(other, above | {extra})


def declared() -> Declared:
    """Of this slotline; raises `metadata.PackageNotFoundError` where it is neither installed nor a checkout."""
    try:
        project = tomllib.loads(PROJECT.read_text("utf-8"))["project"]
    except (OSError, KeyError, ValueError):  # installed from a wheel
        project = {}
    return of_project(project) if project.get("name") == NAME else of_distribution(metadata.distribution(NAME))


def of_project(project: Mapping[str, Any]) -> Declared:
    """From the table `project` of a pyproject.toml."""
    extras = {name: _here(lines) for name, lines in project.get("optional-dependencies", {}).items()}
    return Declared(_pythons(project.get("classifiers", ())), _here(project["dependencies"]), _for_users(extras))


def of_distribution(found: metadata.Distribution) -> Declared:
    """From an installed package."""
    lines = [Requirement(line) for line in found.requires or ()]
    names = found.metadata.get_all("Provides-Extra") or []
    base = tuple(one for one in lines if _counts(one, ""))
    extras = {name: tuple(one for one in lines if _counts(one, name) and one not in base) for name in names}
    return Declared(_pythons(found.metadata.get_all("Classifier") or ()), base, _for_users(extras))


def _here(lines: Any) -> tuple[Requirement, ...]:
    return tuple(one for one in map(Requirement, lines) if _counts(one, ""))


def _counts(one: Requirement, extra: str) -> bool:
    return one.marker is None or one.marker.evaluate({"extra": extra})


def _for_users(extras: Mapping[str, tuple[Requirement, ...]]) -> dict[str, tuple[Requirement, ...]]:
    return {name: needs for name, needs in extras.items() if name not in FOR_DEVELOPERS}


def _pythons(classifiers: Any) -> tuple[str, ...]:
    return tuple(one.rpartition(" ")[2] for one in classifiers if one.startswith(PYTHON))
