"""Checks that the files which inputs name are in the store, and not too large, before anything is sent.

Which fields are files, a model's worker has published (`tasks/messages/infer/schema.py`). In the slot they are checked
in any case. A look counts as a use, so retention keeps the files while the job waits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from tasks.errors import InvalidInput
from tasks.store.names import checked_name
from tasks.terminal.printable import size_in_words

if TYPE_CHECKING:
    from tasks.messages import PartRequest
    from tasks.messages.infer.schema import NamedFile
    from tasks.offers import Published
    from tasks.store.artifacts import Artifact, Store

STORE_IT = "store the file with Client.put, or let slotline infer --file do it"

LOOKS_AT_ONCE = 16
"""A look into a distant store takes many milliseconds; a map may name a hundred thousand files."""


def check_files(
    store: Store,
    requests: Sequence[PartRequest],
    offer: Published | None,
    given: Mapping[str, int] | None = None,
    is_numbered: bool = False,
) -> None:
    """Raise `InvalidInput`, which names the field, for the first file that is not in the store or is too large.

    `given` are the sizes of files that will be stored next. `is_numbered`: the error begins with the input's number.
    """
    named = [(number, one) for number, request in enumerate(requests, 1) for one in request.files(offer)]
    for number, one in named:
        if not _is_a_name(one.name):
            words = f"{one.place}: {one.name[:60]!r} is not the name of a file in the store"
            raise _fault(number if is_numbered else 0, f"{words}; {STORE_IT}")
    sizes = _sizes(store, {one.name for _, one in named}, given or {})
    for number, one in named:
        if words := _wrong(one, sizes[one.name], store):
            raise _fault(number if is_numbered else 0, words)


def _is_a_name(name: str) -> bool:
    try:
        checked_name(name)
    except InvalidInput:
        return False
    return True


def _sizes(store: Store, names: Iterable[str], given: Mapping[str, int]) -> dict[str, int | None]:
    """The bytes of each file; None for one that is not there."""
    asked = [name for name in names if name not in given]
    found: dict[str, int | None] = dict(given)
    for name, artifact in zip(asked, _looked_for(store, asked), strict=True):
        found[name] = None if artifact is None else artifact.bytes
    return found


def _looked_for(store: Store, names: Sequence[str]) -> list[Artifact | None]:
    if len(names) < LOOKS_AT_ONCE:
        return [store.find(name) for name in names]
    from concurrent.futures import ThreadPoolExecutor

    store.opened()  # once, and not by each thread
    with ThreadPoolExecutor(LOOKS_AT_ONCE) as threads:
        return list(threads.map(store.find, names))


def _wrong(one: NamedFile, size: int | None, store: Store) -> str:
    if size is None:
        return f"{one.place}: {one.name} is not in the store {store.place}; {STORE_IT}"
    if one.most_bytes is not None and size > one.most_bytes:
        return f"{one.place}: a file of {size_in_words(size)}; at most {size_in_words(one.most_bytes)}"
    return ""


def _fault(number: int, words: str) -> InvalidInput:
    return InvalidInput(f"input {number}: {words}" if number else words)
