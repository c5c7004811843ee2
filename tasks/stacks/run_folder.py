"""The run folder: this user's own folder for files that are valid while a process runs.

`$XDG_RUNTIME_DIR/slotline`; without that variable `/run/user/<uid>/slotline`; where neither is this user's
`slotline-<uid>` in the folder of temporary files. Guarantee: a folder that another user owns, or may read, is
not used, because its files have passwords and decide where jobs are sent.
"""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from tasks.errors import SettingsError


def run_folder() -> Path:
    """The run folder of this user; it need not exist. Creates nothing."""
    uid = os.geteuid()
    for base in (os.environ.get("XDG_RUNTIME_DIR"), f"/run/user/{uid}"):
        # A variable that `su` has kept names the folder of another user.
        if base and os.path.isabs(base) and _is_own_folder(Path(base)):
            return Path(base) / "slotline"
    return Path(tempfile.gettempdir()) / f"slotline-{uid}"


def made() -> Path:
    """The run folder, created if it is missing; raises `SettingsError` if it cannot be used."""
    folder = run_folder()
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as exc:
        raise SettingsError(f"the run folder {folder} cannot be made ({exc.strerror}); see XDG_RUNTIME_DIR") from exc
    if not is_private(folder):
        raise SettingsError(f"the run folder {folder} is not this user's alone (mode 0700); see XDG_RUNTIME_DIR")
    return folder


def is_private(folder: Path) -> bool:
    """Whether it is a folder that this user owns and no other user may read or write."""
    return _is_own_folder(folder) and stat.S_IMODE(folder.lstat().st_mode) & 0o077 == 0


def _is_own_folder(path: Path) -> bool:
    try:
        about = path.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(about.st_mode) and about.st_uid == os.geteuid()
