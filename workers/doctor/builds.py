"""For which CUDA torch and ONNX Runtime were built, as their own files say it. Imports neither, so it takes no time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from workers.doctor.packages import version_of

ABOUT = {
    "torch": ("torch", "version.py", re.compile(r"^cuda\b[^=\n]*=\s*['\"](\d+)\.?(\d*)", re.M)),
    "ONNX Runtime": (
        "onnxruntime",
        "capi/build_and_package_info.py",
        re.compile(r"^cuda_version\s*=\s*['\"](\d+)\.?(\d*)", re.M),
    ),
}
"""The library's name -> its package, the file there that its build has written, and where CUDA stands in it."""


@dataclass(frozen=True)
class Build:
    """An installed library; `cuda` is the version it was built for, such as (12, 8); None for a build for CPUs."""

    name: str
    version: str
    cuda: tuple[int, int] | None


def installed() -> Iterator[Build]:
    """Those of the two that are installed."""
    for name, (package, file, sign) in ABOUT.items():
        if folder := _folder_of(package):
            yield Build(name, _version(package), _cuda(folder / file, sign))


def _cuda(path: Path, sign: re.Pattern[str]) -> tuple[int, int] | None:
    try:
        found = sign.search(path.read_text("utf-8", "replace"))
    except OSError:
        return None
    return (int(found[1]), int(found[2] or 0)) if found else None


def _folder_of(package: str) -> Path | None:
    spec = find_spec(package)
    places = spec.submodule_search_locations if spec else None
    return Path(next(iter(places))) if places else None


def _version(package: str) -> str:
    return version_of(package) or version_of(f"{package}-gpu") or ""
