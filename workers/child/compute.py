"""Runs one model on the inputs of a run, which are alike; they are halved when memory runs out.

Knows adapters and their inputs, but neither the ledger nor the store. Guarantees: one result per input; an input
that fails, or does not fit into memory, does not affect the others; the size that fitted is remembered
(`batch_limit.py`). What torch and ONNX Runtime raise when memory runs out counts, too. When the GPU itself fails, no
input has a result: `ContextBroken` is raised, because this process cannot compute any more.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from tasks.errors import ModelError, OutOfMemory
from workers.adapters import hardware
from workers.adapters.base import Cancelled, never_cancelled

if TYPE_CHECKING:
    from workers.child.batch_limit import BatchLimit
    from workers.child.models.base import LoadedModel

logger = logging.getLogger(__name__)


class ContextBroken(RuntimeError):
    """The GPU failed; this process cannot compute any more."""


class Computing:
    """Runs one model on its inputs; `is_cancelled` takes the number of an input."""

    def __init__(
        self, model: LoadedModel, items: Sequence[Any], is_cancelled: Callable[[int], bool], limit: BatchLimit
    ) -> None:
        self._model = model
        self._items = items
        self._is_cancelled = is_cancelled
        self._limit = limit

    def results(self) -> Sequence[Any]:
        """One result per input, in order; each may be an exception."""
        found = dict(self._numbered())
        return [found[number] for number in range(len(self._items))]

    def _numbered(self) -> Iterator[tuple[int, Any]]:
        """Each input's number and its result."""
        group = range(len(self._items))
        size = self._limit.size(self._model) or len(group) or 1
        waiting: list[Sequence[int]] = [group[at : at + size] for at in range(0, len(group), size)]
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
        # If one input does not fit alone, its own size is the reason, not the number of inputs.
        if fitted and not too_large_alone:
            self._limit.learn(self._model, fitted)

    def _run(self, numbers: Sequence[int]) -> Sequence[Any] | OutOfMemory:
        """One result per input, in order; or, when memory ran out, a new error, so that the run's tensors are freed."""
        model = self._model
        model.adapter.is_cancelled = lambda index: self._is_cancelled(numbers[index])
        try:
            results = list(model.adapter.run([self._items[number] for number in numbers]))
        except (OutOfMemory, MemoryError) as exc:
            return OutOfMemory(hardware.one_line(exc))
        except Exception as exc:  # the boundary to foreign model code
            _raise_if_broken(exc)
            out_of_memory = hardware.memory_error(exc, model.adapter.device)
            if out_of_memory is None:
                logger.exception("the model failed on a batch of %d", len(numbers))
                return [exc] * len(numbers)
            return OutOfMemory(str(out_of_memory))
        finally:
            model.adapter.is_cancelled = never_cancelled  # the other one keeps the run's inputs
        if len(results) != len(numbers):
            wrong = f"{model.entry.adapter} returned {len(results)} results for {len(numbers)} inputs"
            return [ModelError(wrong)] * len(numbers)
        for result in results:
            if isinstance(result, Exception):
                _raise_if_broken(result)
        return [self._checked(number, result) for number, result in zip(numbers, results, strict=True)]

    def _checked(self, number: int, result: Any) -> Any:
        """The result as it crosses; an error if the adapter reports an input as cancelled that is not."""
        if isinstance(result, Cancelled) and not self._is_cancelled(number):
            return ModelError(f"{self._model.entry.adapter} stopped at an input that was not cancelled")
        if isinstance(result, Exception):
            return result
        try:
            return self._model.adapter.crossing(result)
        except Exception as exc:  # the boundary to the adapter's own code
            _raise_if_broken(exc)
            return exc


def _raise_if_broken(error: BaseException) -> None:
    """Raise `ContextBroken` for a CUDA error, also if the adapter has wrapped it in another error."""
    causes = [error, error.__cause__, error.__context__]
    if broken := next((one for one in causes if one is not None and hardware.is_context_broken(one)), None):
        raise ContextBroken(f"the GPU failed: {hardware.one_line(broken)}") from None
