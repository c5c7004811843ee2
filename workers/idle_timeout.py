"""After how much idle time a slot's model is unloaded, and who says so. Pure; `workers/duties/idle_unload.py` unloads.

The first of these counts: `slotline model timeout`, the variable MODEL_UNLOAD_TIMEOUT, the key `idle_timeout_minutes`
of the model's table, what its adapter says. In the table of a registry the key is about each of its small models
(`workers/child/models/registry.py`), and the adapter's own time does not count beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tasks.catalog import ModelEntry

MINUTE_S = 60.0


@dataclass(frozen=True)
class IdleTimeout:
    """The seconds after which an idle model is unloaded (0: never), and what says so, for people."""

    seconds: float = 0.0
    origin: str = ""


NEVER = IdleTimeout()


def idle_timeout(entry: ModelEntry, adapter_s: float, set_s: float | None) -> IdleTimeout:
    """The time-out of a slot that starts: `adapter_s` is its adapter's, `set_s` the variable's (None: not set)."""
    if set_s is not None:
        return IdleTimeout(set_s, "MODEL_UNLOAD_TIMEOUT")
    minutes = entry.idle_timeout_minutes
    if minutes is not None:
        return NEVER if entry.is_registry else IdleTimeout(minutes * MINUTE_S, "idle_timeout_minutes")
    return IdleTimeout(adapter_s, f"adapter {entry.adapter}") if adapter_s else NEVER
