"""Findings about the store: whether it can be written, how much room it has, and whether the workers use the same one.

Writes only what the store's own check writes, a small file that it removes; and nothing where the store's folder does
not exist yet.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.errors import OtherStore, StoreError
from tasks.shared_store.check import StoreCheck
from tasks.store.artifacts import Store
from tasks.store.file_system import is_local
from workers.doctor.finding import Finding, fine, note, wrong

if TYPE_CHECKING:
    from redis import Redis

LEAST_FREE_BYTES = 500_000_000
"""Less room than this is wrong: an hour of WAV takes about as much."""

FULL = (errno.ENOSPC, errno.EDQUOT)

WRITABLE = "let this user write there, or set SLOTLINE_STORE_URL"
ROOM = "make room there, set SLOTLINE_STORE_MAX_GB, or remove artifacts: `slotline prune --older-than 7`"


def of_store(store: Store) -> Iterator[Finding]:
    """Whether artifacts can be written and read there."""
    try:
        with store.speaking("cannot be opened (SLOTLINE_STORE_URL)"):
            fs, root = store.opened()
        if is_local(fs) and not os.path.lexists(root):
            yield _not_made(store, Path(root))
            return
        store.check()
    except StoreError as exc:
        yield wrong("store", str(exc), ROOM if getattr(exc.__cause__, "errno", None) in FULL else WRITABLE)
        return
    if not is_local(fs):
        yield fine("store", f"{store.place}: written and read")
        return
    yield _little_room(store, root) or fine("store", f"{store.place}: written and read, {_free(root)}")


def of_workers_store(store: Store, client: Redis) -> Iterator[Finding]:
    """A line if live workers use another store than the one that is set here."""
    try:
        StoreCheck(store).check(client, "what is sent from here is refused")
    except OtherStore as exc:
        what, _, todo = str(exc).rpartition(". ")
        yield wrong("store", what, todo)


def _not_made(store: Store, root: Path) -> Finding:
    """A folder that is made when it is first used: whether that can be done."""
    above = next(folder for folder in root.parents if folder.exists())
    if above.is_dir() and os.access(above, os.W_OK | os.X_OK):
        made = note("store", f"{store.place} is not there yet: the first worker makes it ({_free(above)})")
        return _little_room(store, above) or made
    why = f"{above} may not be written" if above.is_dir() else f"{above} is no folder"
    return wrong("store", f"{store.place} cannot be made: {why}", WRITABLE)


def _little_room(store: Store, folder: Path | str) -> Finding | None:
    if shutil.disk_usage(folder).free >= LEAST_FREE_BYTES:
        return None
    return wrong("store", f"{store.place}: only {_free(folder)}", ROOM)


def _free(folder: Path | str) -> str:
    return f"{shutil.disk_usage(folder).free / 1e9:,.1f} GB free"
