"""What of an old model's folder is kept in the new one: files that are the same, and what people have put there.

A file is linked where the file system can, else copied. The old folder is only read.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from workers.pull import manifest


def same_file(old: Path, new: Path) -> None:
    """Let `new` be the same file as `old`; a symbolic link stays one. Raises the system's `OSError`."""
    new.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(old, new, follow_symlinks=False)
    except (OSError, NotImplementedError):  # not every file system has links
        shutil.copy2(old, new, follow_symlinks=False)


def keep_added(old: Path, new: Path) -> None:
    """Take over into `new` what people have added to `old`: files and folders that the old manifest does not name.

    Where the new model has a file of that name, that one stays. Raises the system's `OSError`.
    """
    found = manifest.read(old)
    if found is None:
        return
    fetched = {manifest.NAME, *found.files}
    for parent, folders, names in os.walk(old):
        inside = Path(parent).relative_to(old)
        links = [name for name in folders if (Path(parent) / name).is_symlink()]
        for name in set(folders) - set(links):
            (new / inside / name).mkdir(parents=True, exist_ok=True)
        for name in (*names, *links):
            path = inside / name
            if path.as_posix() not in fetched and not os.path.lexists(new / path):
                same_file(old / path, new / path)
