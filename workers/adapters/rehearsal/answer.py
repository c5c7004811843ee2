"""The rehearsal's answers: an input comes back as it was given, as JSON or as bytes of a media type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tasks.messages import InferRequest
from workers.adapters.outputs import Data

EXAMPLES = ({"text": "Hắn vừa đi vừa chửi."}, [1, 2, 3], "a text")
"""For `slotline model check`."""


@dataclass(frozen=True)
class ToAnswer:
    """An input that is made ready: its JSON, in whose texts fault words may stand, and the input itself."""

    text: str
    value: Any

    def answer(self, media_type: str) -> Any:
        """The input itself; with a media type, its JSON in UTF-8 as bytes of this type."""
        return Data(self.text.encode(), media_type) if media_type else self.value


def to_answer(item: InferRequest) -> ToAnswer:
    """The input, made ready."""
    return ToAnswer(item.text(), item.input)
