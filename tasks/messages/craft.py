"""A craft: what a model makes of one input, such as speech. Loads nothing heavy.

Each craft has three classes: this description next to its messages, which producers use too;
its `Parts` (`tasks/flow/parts.py`), by which tasks and the ledger read its artifacts; and its
`SlotCraft` (`workers/sidecar/crafts/base.py`), which turns a model's output into an artifact. An
adapter names the craft that it serves.
"""

from __future__ import annotations

from abc import ABC
from typing import TYPE_CHECKING, ClassVar

from tasks.messages.base import PartRequest

if TYPE_CHECKING:
    from tasks.catalog import ModelEntry


class Craft(ABC):
    """One craft. A module of `tasks/messages`, or of an entry point `slotline.messages`, has its one instance."""

    name: ClassVar[str]
    """Also the first folder of its artifacts' names."""
    request: ClassVar[type[PartRequest]]
    """The request for one input; `request.task` is the task that computes it."""
    refusal: ClassVar[str]
    """The end of the error «the model …» for a model with another craft: `does not speak`."""

    def is_known_of(self, entry: ModelEntry) -> bool:
        """Whether a model's table is known to serve this craft, before any worker of the model was ready.

        This is a hint for slotline's own adapters; a published offer is used first.
        """
        return False
