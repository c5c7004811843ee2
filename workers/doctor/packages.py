"""Findings about what is installed: Python, slotline, its libraries against the tested versions, and its extras.

Imports none of them: it reads what pip has recorded.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

import tasks
from workers.adapters import hardware
from workers.doctor.declared import Declared
from workers.doctor.finding import Finding, fine, note, wrong

TESTED = ("celery", "kombu", "billiard", "redis")
"""slotline uses private parts of these (`workers/upstream`), so a version outside of the bounds may break anything."""


def of_python(declared: Declared) -> Iterator[Finding]:
    """Python and slotline itself."""
    version = platform.python_version()
    if version.rpartition(".")[0] in declared.pythons:
        yield fine("Python", version)
    else:
        yield note("Python", f"{version}: slotline was tested with {_listed(declared.pythons)} only")
    yield fine("slotline", f"{tasks.__version__}, in {Path(tasks.__file__).resolve().parents[1]}")


def of_libraries(declared: Declared) -> Iterator[Finding]:
    """What slotline itself needs: a line for each that lacks or is another version, else one for all."""
    faults = [fault for one in declared.dependencies if (fault := _fault(one))]
    yield from faults
    if not faults:
        tested = [f"{one.name} {version_of(one.name)}" for one in declared.dependencies if one.name in TESTED]
        yield fine("libraries", f"{', '.join(tested)}: versions that were tested")


def of_extras(declared: Declared, device: str) -> Iterator[Finding]:
    """Each extra: installed, or the command that installs it; and two packages that exclude each other."""
    for extra in declared.extras:
        yield _extra(extra, declared)
    if hardware.has_both_onnxruntimes():
        yield wrong("extras", hardware.BOTH_ONNXRUNTIMES, hardware.one_onnxruntime(device))


def _extra(extra: str, declared: Declared) -> Finding:
    needs = declared.needs_of(extra)
    install = f"pip install 'slotline[{extra}]'"
    if lacking := sorted({one.name for one in needs if version_of(one.name) is None}):
        few = "" if len(lacking) == len({one.name for one in needs}) else f" ({', '.join(lacking)})"
        return note("extra", f"{extra}: not installed{few}", install)
    for one in needs:
        if not _fits(one):
            what = f"{extra}: {one.name} {version_of(one.name)} is installed, and it needs {one.specifier}"
            return note("extra", what, install)
    return fine("extra", f"{extra}: installed ({', '.join(f'{one.name} {version_of(one.name)}' for one in needs[:4])})")


def _fault(one: Requirement) -> Finding | None:
    """What is wrong with a library of slotline itself."""
    bounds = str(one.specifier)
    install = f"pip install '{one.name}{bounds}'"
    if version_of(one.name) is None:
        return wrong("libraries", f"{one.name} is not installed", install)
    if _fits(one):
        return None
    why = f"slotline was tested with {bounds} only" if one.name in TESTED else f"slotline needs {bounds}"
    return wrong("libraries", f"{one.name} {version_of(one.name)} is installed; {why}", install)


def _fits(one: Requirement) -> bool:
    version = version_of(one.name)
    return version is not None and one.specifier.contains(version, prereleases=True)


def version_of(name: str) -> str | None:
    """The installed version of a distribution; None if it is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names) or "other versions"
