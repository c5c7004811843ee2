"""Writes numbers, dates and abbreviations as words; safe with any number of workers on a host.

viet-tts calls `vinorm.TTSnorm`, which writes its input and output to two fixed files in
its own package folder: concurrent callers get each other's texts. Here vinorm's own program
runs in a separate folder for each call, with links to its data, and gives the same words. The
package itself is never imported (it needs Python < 3.12). If it is not installed or cannot run,
`numbers.in_words` is used, which knows numbers, decimals, per cent and dates.
"""

from __future__ import annotations

import logging
import os
import platform
import subprocess
from importlib.machinery import PathFinder
from pathlib import Path

from tasks.store.scratch import scratch_folder
from workers.adapters.viettts import numbers

logger = logging.getLogger(__name__)

DATA = ("Dict", "Mapping", "RegexRule")
LIMIT_S = 30.0
"""A paragraph takes 0.03 s, 20,000 characters 2 s."""


class Normaliser:
    """`TTSnorm` for viet-tts; `name` says which of the two normalisers it is."""

    def __init__(self, vinorm: Path | None) -> None:
        self._vinorm = vinorm
        self.name = "vinorm" if vinorm else "plain"

    @classmethod
    def found(cls) -> Normaliser:
        """With vinorm's program if it is installed and can run here (Linux, x86-64)."""
        # By the path finder: `sys.modules` may hold the stand-in that viet-tts is given.
        spec = PathFinder.find_spec("vinorm")
        folder = Path(spec.origin).parent if spec and spec.origin else None
        runs_here = (platform.system(), platform.machine()) == ("Linux", "x86_64")
        usable = folder and runs_here and all((folder / name).exists() for name in ("main", *DATA))
        return cls(folder if usable else None)

    def __call__(
        self, text: str, punc: bool = False, unknown: bool = True, lower: bool = True, rule: bool = False
    ) -> str:
        """The text in words; the flags are vinorm's own."""
        flags = [f"-{name}" for name, on in _flags(punc, unknown, lower, rule) if on]
        if self._vinorm is not None and text.strip():
            try:
                return _run(self._vinorm, text, flags)
            except (OSError, subprocess.SubprocessError, ValueError) as exc:
                logger.warning("vinorm failed on «%.40s», only its numbers are put into words: %s", text, exc)
        return numbers.in_words(text.lower() if lower else text)


def _flags(punc: bool, unknown: bool, lower: bool, rule: bool) -> list[tuple[str, bool]]:
    return [("punc", punc), ("unknown", unknown), ("lower", lower), ("rule", rule)]


def _run(vinorm: Path, text: str, flags: list[str]) -> str:
    """vinorm's program in a folder of this call's own."""
    with scratch_folder() as folder:
        for data in DATA:
            (folder / data).symlink_to(vinorm / data)
        (folder / "input.txt").write_text(text, encoding="utf-8")
        subprocess.run(
            [vinorm / "main", *flags],
            cwd=folder,
            env={**os.environ, "LD_LIBRARY_PATH": str(vinorm / "lib")},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=LIMIT_S,
            check=True,
        )
        lines = (folder / "output.txt").read_text(encoding="utf-8").split("#line#")
    return "".join(f"{line}. " for line in lines if line)
