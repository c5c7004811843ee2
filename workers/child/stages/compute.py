"""The second stage of a batch: its inputs through one model, in groups, which are halved where memory runs out.

Knows adapters and their inputs; nothing of the ledger or the store. Guarantees: one result an input; an input
that fails costs the others nothing, also where it is the one that does not fit the memory; the size that fitted is
remembered (`batch_limit.py`). Where the GPU itself failed, no input has a result: `ContextBroken` is raised,
because nothing can be computed in this process any more.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from tasks.errors import ModelError, OutOfMemory
from workers.adapters import hardware
from workers.adapters.base import Cancelled
from workers.adapters.grouping import groups
from workers.child.stages.work import Computed, IsCancelled, ReadyBatch

if TYPE_CHECKING:
    from workers.child.models.base import LoadedModel
    from workers.child.stages.batch_limit import BatchLimit

logger = logging.getLogger(__name__)


class ContextBroken(RuntimeError):
    """The GPU failed, and nothing can be computed in this process any more."""


def compute(ready: ReadyBatch, is_cancelled: IsCancelled, limit: BatchLimit) -> Iterator[Computed]:
    """What the model makes of each work, as soon as its group is computed; the next group waits to be asked for.

    A work is given up when none of its requests is wanted any more.
    """
    if ready.model is None:
        return

    def nobody_wants(number: int) -> bool:
        return all(is_cancelled(request.call.delivery_tag) for request in ready.work[number].requests)

    computing = Computing(ready.model, [one.part for one in ready.work], nobody_wants, limit)
    for number, result in computing.results():
        yield Computed(ready.work[number], result)


class Computing:
    """The inputs on their way through a model that is in use; `is_cancelled` is asked with an input's number."""

    def __init__(
        self, model: LoadedModel, items: Sequence[Any], is_cancelled: Callable[[int], bool], limit: BatchLimit
    ) -> None:
        self._model = model
        self._items = items
        self._is_cancelled = is_cancelled
        self._limit = limit

    def results(self) -> Iterator[tuple[int, Any]]:
        """Each input's number with its result, an exception among them, as soon as its group is computed."""
        for group in groups(self._model.adapter, self._items):
            yield from self._of_group(group)

    def _of_group(self, group: Sequence[int]) -> Iterator[tuple[int, Any]]:
        size = self._limit.size(self._model) or len(group)
        waiting = [group[at : at + size] for at in range(0, len(group), size)]
        failed = fitted = 0
        too_large_alone = False
        while waiting:
            now = waiting.pop(0)
            results = self._run(now)
            if isinstance(results, OutOfMemory):
                hardware.release(self._model.adapter.device)
                if len(now) > 1:
                    failed, half = len(now), (len(now) + 1) // 2
                    waiting[:0] = [now[:half], now[half:]]
                    logger.warning("%s: %d inputs do not fit together: %s", self._model.entry.name, failed, results)
                    continue
                too_large_alone = True
                results = [OutOfMemory(f"memory ran out, though the input ran alone: {results}")]
            elif failed:
                fitted = max(fitted, len(now))
            yield from zip(now, results, strict=True)
        # Where one does not fit even alone, it is the reason, and not how many there were.
        if fitted and not too_large_alone:
            self._limit.learn(self._model, fitted)

    def _run(self, numbers: Sequence[int]) -> Sequence[Any] | OutOfMemory:
        """One result an input, in their order; or that memory ran out, in words, so that what the run held is freed."""
        model = self._model
        model.adapter.is_cancelled = lambda index: self._is_cancelled(numbers[index])
        try:
            results = list(model.adapter.run([self._items[number] for number in numbers]))
        except (OutOfMemory, MemoryError) as exc:
            return OutOfMemory(hardware.one_line(exc))
        except Exception as exc:  # the boundary to foreign model code
            _raise_if_broken(exc)
            logger.exception("the model failed on a batch of %d", len(numbers))
            return [exc] * len(numbers)
        if len(results) != len(numbers):
            said = f"{model.entry.adapter} gave {len(results)} results for {len(numbers)} inputs"
            return [ModelError(said)] * len(numbers)
        for result in results:
            if isinstance(result, Exception):
                _raise_if_broken(result)
        return [self._checked(number, result) for number, result in zip(numbers, results, strict=True)]

    def _checked(self, number: int, result: Any) -> Any:
        """An adapter that gives up on an input that is still wanted has failed on it."""
        if isinstance(result, Cancelled) and not self._is_cancelled(number):
            return ModelError(f"{self._model.entry.adapter} stopped at an input that nobody cancelled")
        return result


def _raise_if_broken(error: BaseException) -> None:
    """Raise `ContextBroken` for a CUDA error, also where an adapter has wrapped it in an error of its own."""
    causes = [error, error.__cause__, error.__context__]
    if broken := next((one for one in causes if one is not None and hardware.is_context_broken(one)), None):
        raise ContextBroken(f"the GPU failed: {hardware.one_line(broken)}") from None
