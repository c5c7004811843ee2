"""Where an adapter calls a model's own code for one input: what that code raises becomes the outcome of this input.

Adapters that compute the inputs of a batch one by one share it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from tasks.errors import ModelError, SlotlineError
from workers.adapters import hardware
from workers.adapters.base import Cancelled

logger = logging.getLogger(__name__)

MadeT = TypeVar("MadeT")


def outcome_of(compute: Callable[[], MadeT], model: str, text: str, device: str) -> MadeT | Exception:
    """What `compute` makes; returns `Cancelled`, slotline's errors, `OutOfMemory`, or `ModelError` for all others.

    `model` and the beginning of `text` are named in the log. Raises what CUDA raises when its context is broken:
    nothing runs in this process after it.
    """
    try:
        return compute()
    except (SlotlineError, Cancelled) as exc:
        return exc.with_traceback(None)  # its frames would keep the model's tensors alive
    except Exception as exc:  # the boundary to the model's code, for one input
        if hardware.is_context_broken(exc):
            raise
        failed = hardware.memory_error(exc, device)
        if failed is None:
            logger.exception("%s failed on «%.40s»", model, text)
            return ModelError(f"text: {model} failed on it: {type(exc).__name__}: {hardware.one_line(exc)}")
    hardware.release(device)
    return failed
