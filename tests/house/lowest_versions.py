"""The lowest version of each direct dependency that pyproject.toml allows, as pip's constraints.

`python tests/house/lowest_versions.py` prints them; `make test-lowest` installs and tests with them.
Needs the standard library only, because it runs before anything is installed.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENT = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(?:\[[^]]*\])?(?P<bounds>[^;]*)(?:;(?P<marker>.*))?")
LOWEST = re.compile(r"(?:>=|~=|==)\s*(?P<version>[0-9][^,\s]*)")


def constraints(dependencies: Iterable[str]) -> Iterator[str]:
    """One line of pip's constraints for each requirement; raises `ValueError` for one without a lower bound."""
    for dependency in dependencies:
        found = REQUIREMENT.fullmatch(dependency.strip())
        lowest = LOWEST.search(found["bounds"]) if found else None
        if found is None or lowest is None:
            raise ValueError(f"{dependency!r} has no lower bound")
        marker = f";{found['marker']}" if found["marker"] else ""
        yield f"{found['name']}=={lowest['version']}{marker}"


def dependencies() -> list[str]:
    """What `pip install slotline` installs directly."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return list(project["dependencies"])


if __name__ == "__main__":
    print("\n".join(constraints(dependencies())))
