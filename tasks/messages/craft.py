"""A craft: what a model makes of one input, such as speech, in the words that both sides need. Loads nothing heavy.

Each craft has three halves of one name: this description beside its messages, which the
producer reads too; its `Parts` (`tasks/flow/parts.py`), by which a task and the ledger read
what was made; and its `SlotCraft` (`workers/child/crafts/base.py`), which turns a model's
output into an artifact. An adapter names the craft that it serves.
"""

from __future__ import annotations

from abc import ABC
from typing import TYPE_CHECKING, ClassVar

from tasks.messages.base import PartRequest

if TYPE_CHECKING:
    from tasks.catalog import ModelEntry


class Craft(ABC):
    """One craft. Its one instance stands in a module of `tasks/messages`, or of an entry point `slotline.messages`."""

    name: ClassVar[str]
    """Also the first folder of its artifacts' names."""
    request: ClassVar[type[PartRequest]]
    """What one slot computes at once; `request.task` is the task that does."""
    refusal: ClassVar[str]
    """Completes «the model …» where it serves another craft: `does not speak`."""

    def is_known_of(self, entry: ModelEntry) -> bool:
        """Whether a table of the catalog is known to serve this craft before any worker of it was ready.

        A hint, for the adapters that come with slotline: what a worker has published counts for more.
        """
        return False
