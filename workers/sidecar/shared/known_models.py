"""The models that the child has loaded, as the sidecar knows them: each with an adapter of its own, which has no model.

The results' thread tells what the child offers and what it has unloaded; the ready thread asks, and waits where the
child must load first. Guarantee: the adapter of an unloaded model is let go of once, when neither a batch that is made
ready nor a run that has not ended uses it; until then `prepare` and `finish` find it as it was.
"""

from __future__ import annotations

import logging
import math
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from queue import SimpleQueue
from typing import TYPE_CHECKING

from cachetools import LRUCache

from tasks.errors import ArtifactMissing, ModelLoadError, SlotlineError
from tasks.store import artifacts
from tasks.store.names import JSON
from workers.adapters import adapter_of
from workers.adapters.base import AnyAdapter
from workers.sidecar.crafts.base import KnownModel
from workers.sidecar.shared.artifacts_read import ArtifactsRead
from workers.wire.work_line import ModelOffers

if TYPE_CHECKING:
    from tasks.catalog import ModelEntry

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 2.0
"""How often the files of a registry's model that is used are looked at."""
REMEMBERED = 1024

Found = KnownModel | SlotlineError | MemoryError


class TakenBack(Exception):
    """The question for a model was recalled, or its child has died."""


class KnownModels:
    """The models of a slot, by variant; `ask` sends the child the question for one, and returns its number."""

    def __init__(self, entry: ModelEntry, device: str, ask: Callable[[str | None], int]) -> None:
        self.entry = entry
        self.parting: SimpleQueue[AnyAdapter] = SimpleQueue()
        """The adapters that nobody uses any more; `partings.py` ends what they hold."""
        self._device = device
        self._ask = ask
        self._artifacts = ArtifactsRead(_content_of, size=_size_of)
        self._changed = threading.Condition()
        self._known: dict[str | None, KnownModel] = {}
        self._users: Counter[int] = Counter()
        """How many use each model, by its identity; also of those that are not known any more."""
        self._looked_at: LRUCache[int, float] = LRUCache(REMEMBERED)
        self._answers: dict[int, Found] = {}
        self._recalls = 0
        self._is_closed = False

    def find(self, variant: str | None) -> KnownModel | None:
        """The model, if the child has told of it; it may be let go of at any time."""
        with self._changed:
            return self._known.get(variant)

    def take(self, variant: str | None) -> KnownModel | None:
        """The model, if the child has told of it; it is kept until `leave`."""
        with self._changed:
            found = self._known.get(variant)
            if found is not None:
                self._users[id(found)] += 1
            return found

    def is_replaced(self, model: KnownModel, now: float) -> bool:
        """Whether a registry's model has other files than it was loaded from; looks once in `LOOK_EVERY_S` seconds.

        `now` is a time of the monotonic clock. The child then loads it again, or says that there is none.
        """
        if not model.mark or now - self._looked_at.get(id(model), -math.inf) < LOOK_EVERY_S:
            return False
        self._looked_at[id(model)] = now
        return model.is_replaced

    def hold(self, model: KnownModel) -> None:
        """Keep a model that was taken until one more `leave`."""
        with self._changed:
            self._users[id(model)] += 1

    def leave(self, model: KnownModel) -> None:
        """Whoever took the model, or held it, does not use it any more."""
        with self._changed:
            self._users[id(model)] -= 1
            self._part_if_unused(model)

    def ask(self, variant: str | None) -> Found:
        """The model, as the child says after it has loaded it; or why it cannot be loaded. Raises `TakenBack`.

        A model is kept until `leave`.
        """
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
            before = self._known.pop(message.variant, None)
            if isinstance(found, KnownModel):
                self._known[message.variant] = found
                if message.number:
                    self._users[id(found)] += 1  # whoever asks has it from here on
            if before is not None and before is not found:
                self._part_if_unused(before)
            if message.number:
                self._forget_answers()  # only one question is asked at a time
                self._answers[message.number] = found
                self._changed.notify_all()

    def forget(self, variant: str | None = None) -> None:
        """The child has unloaded a model (None: the slot's only one)."""
        with self._changed:
            if (before := self._known.pop(variant, None)) is not None:
                self._part_if_unused(before)

    def stats(self) -> dict[str | None, Mapping[str, JSON]]:
        """What the adapters count of their own work, by variant; from any thread. One that fails is left out."""
        with self._changed:
            known = list(self._known.items())
        found: dict[str | None, Mapping[str, JSON]] = {}
        for variant, model in known:
            try:
                counted = model.adapter.stats()
            except Exception:  # the boundary to the adapter's own code
                logger.exception("%s does not tell what it counts", model.entry.name)
                continue
            if counted:
                found[variant] = dict(counted)
        return found

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

    def _part_if_unused(self, model: KnownModel) -> None:
        """Let go of a model that is not known any more, when nobody uses it."""
        if self._users[id(model)] > 0:
            return
        del self._users[id(model)]
        if all(model is not one for one in self._known.values()):
            self.parting.put(model.adapter)

    def _forget_answers(self) -> None:
        """Answers to questions that were taken back: nobody will leave these models."""
        for answer in self._answers.values():
            if isinstance(answer, KnownModel):
                self._users[id(answer)] -= 1
                self._part_if_unused(answer)
        self._answers.clear()

    def _found(self, message: ModelOffers) -> Found:
        if isinstance(message.found, (SlotlineError, MemoryError)):
            return message.found
        entry = message.entry or self.entry
        known = self.find(message.variant)
        if known is not None and (known.entry, known.offer, known.mark) == (entry, message.found, message.mark):
            return known  # told when it was loaded, and again as the answer to a question
        try:
            adapter = adapter_of(entry, self._device)
            adapter.read_artifact = self._artifacts.read_bytes
            adapter.size_of_artifact = self._artifacts.size_of
            adapter.attach(message.found)
        except SlotlineError as exc:
            return exc
        except Exception as exc:  # the boundary to the adapter's own code
            return ModelLoadError(f"{type(exc).__name__}: {' '.join(str(exc).split())}")
        return KnownModel(entry, adapter, message.found, message.mark)


def _content_of(name: str) -> bytes:
    return artifacts.store().read_bytes(name)


def _size_of(name: str) -> int:
    found = artifacts.store().find(name)
    if found is None:
        raise ArtifactMissing(f"artifact {name} is not in {artifacts.store().place}")
    return found.bytes
