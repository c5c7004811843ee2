"""The identity of a store: a small file in its root, by which producers and workers notice that they mean two stores.

`.slotline-store` holds JSON with a random id. A worker creates it, because it checks at its start that it can
write; a client only reads it. It is no artifact: it is not listed, counted or removed with them. Two that create it
at once agree on one id: the file is created only if there is none, and read again afterwards.
"""

from __future__ import annotations

import contextlib
import json
import time
import uuid

from tasks.errors import StoreError
from tasks.store.artifacts import Store
from tasks.store.file_system import create, write

FILE = ".slotline-store"
SETTLES_IN_S = 0.5
"""On a file system that cannot create exclusively, the last of two writers wins within this time."""


def known(store: Store) -> str | None:
    """The store's id, or None if no worker has used it yet, or its file is damaged; raises `StoreError`."""
    with store.speaking("its identity cannot be read"):
        fs, root = store.opened()
        try:
            found = json.loads(fs.cat_file(f"{root}/{FILE}"))["id"]
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError):
            return None
    return found if isinstance(found, str) and found else None


def made(store: Store) -> str:
    """The store's id, created if it has none; raises `StoreError`."""
    return restore(store, uuid.uuid4().hex)


def restore(store: Store, store_id: str) -> str:
    """The store's id; if it has none any more, it gets this one again. Raises `StoreError`."""
    if found := known(store):
        return found
    content = json.dumps({"id": store_id}).encode()
    with store.speaking("its identity cannot be written (SLOTLINE_STORE_URL)"):
        fs, root = store.opened()
        is_sure = False
        with contextlib.suppress(FileExistsError):
            is_sure = create(fs, f"{root}/{FILE}", content)
        if not is_sure:
            time.sleep(SETTLES_IN_S)
    if (found := known(store)) is None:  # there is a file, and it is damaged
        with store.speaking("its identity cannot be written (SLOTLINE_STORE_URL)"):
            write(fs, f"{root}/{FILE}", content)
            time.sleep(SETTLES_IN_S)
        found = known(store)
    if found is None:
        raise StoreError(f"store {store.place}: its file {FILE} does not hold what was written (SLOTLINE_STORE_URL)")
    return found
