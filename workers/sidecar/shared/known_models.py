"""The models that the child has loaded, as the sidecar knows them: each with an adapter of its own, which has no model.

The results' thread tells what the child offers; the ready thread asks, and waits where the child must load first.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from cachetools import LRUCache

from tasks.errors import ModelLoadError, SlotlineError
from tasks.store import artifacts
from workers.adapters import adapter_of
from workers.sidecar.crafts.base import KnownModel
from workers.wire.work_line import ModelOffers

if TYPE_CHECKING:
    from tasks.catalog import ModelEntry

REMEMBERED = 1024

Found = KnownModel | SlotlineError | MemoryError


class TakenBack(Exception):
    """The question for a model was recalled, or its child has died."""


class KnownModels:
    """The models of a slot, by variant; `ask` sends the child the question for one, and returns its number."""

    def __init__(self, entry: ModelEntry, device: str, ask: Callable[[str | None], int]) -> None:
        self.entry = entry
        self._device = device
        self._ask = ask
        self._changed = threading.Condition()
        self._known: LRUCache[str | None, KnownModel] = LRUCache(REMEMBERED)
        self._answers: dict[int, Found] = {}
        self._recalls = 0
        self._is_closed = False

    def find(self, variant: str | None) -> KnownModel | None:
        """The model, if the child has told of it."""
        with self._changed:
            return self._known.get(variant)

    def ask(self, variant: str | None) -> Found:
        """The model, as the child says after it has loaded it; or why it cannot be loaded. Raises `TakenBack`."""
        with self._changed:
            recalls = self._recalls
            if self._is_closed:
                raise TakenBack
        number = self._ask(variant)
        with self._changed:
            self._changed.wait_for(lambda: number in self._answers or self._recalls != recalls)
            if number not in self._answers:
                raise TakenBack
            return self._answers.pop(number)

    def told(self, message: ModelOffers) -> None:
        """The child has told what a model offers, or why there is none."""
        found = self._found(message)
        with self._changed:
            if isinstance(found, KnownModel):
                self._known[message.variant] = found
            else:
                self._known.pop(message.variant, None)
            if message.number:
                self._answers = {message.number: found}  # only one question is asked at a time
                self._changed.notify_all()

    def forget(self) -> None:
        """The child has unloaded the slot's only model; its adapter here goes when nobody uses it any more."""
        with self._changed:
            self._known.pop(None, None)

    def recall(self) -> None:
        """Nobody will answer a question that waits now."""
        with self._changed:
            self._recalls += 1
            self._changed.notify_all()

    def close(self) -> None:
        """The child has died: nobody will answer any question."""
        with self._changed:
            self._is_closed = True
        self.recall()

    def _found(self, message: ModelOffers) -> Found:
        if isinstance(message.found, (SlotlineError, MemoryError)):
            return message.found
        entry = message.entry or self.entry
        known = self.find(message.variant)
        if known is not None and (known.entry, known.offer) == (entry, message.found):
            return known  # told when it was loaded, and again as the answer to a question
        try:
            adapter = adapter_of(entry, self._device)
            adapter.read_artifact = artifacts.store().read_bytes
            adapter.attach(message.found)
        except SlotlineError as exc:
            return exc
        except Exception as exc:  # the boundary to the adapter's own code
            return ModelLoadError(f"{type(exc).__name__}: {' '.join(str(exc).split())}")
        return KnownModel(entry, adapter, message.found)
