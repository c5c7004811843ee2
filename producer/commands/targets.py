"""Whether what a command makes can be written where a person wants it; known before anything is sent."""

from __future__ import annotations

import os
from pathlib import Path

from tasks.errors import InvalidInput


def check_place(target: Path) -> None:
    """Raise `InvalidInput` if the file `target` cannot be made in its folder."""
    folder = target.parent
    if not folder.is_dir():
        raise InvalidInput(f"-o: there is no folder {folder}; make it, or name another")
    if not os.access(folder, os.W_OK):
        raise InvalidInput(f"-o: folder {folder} cannot be written; name another")
