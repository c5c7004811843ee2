"""What a craft says of inputs and outputs for checking an adapter (`slotline model check`). Values only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

Fields: TypeAlias = Mapping[str, Any]
"""A request's fields without `model`. Bytes in them stand for a file: its artifact's name is put in their place."""


@dataclass(frozen=True)
class Examples:
    """Inputs to check an adapter with."""

    good: Sequence[Fields] = ()
    """The adapter has to compute them."""
    unusual: Sequence[Fields] = ()
    """The adapter may compute or refuse them; either way each costs itself alone."""
    refused: Sequence[Fields] = ()
    """The adapter or its craft has to refuse them."""
    lacking: str = ""
    """What the adapter's author has to do where there is no good one; empty: nothing."""


def text_for(language: str) -> tuple[str, ...]:
    """Three short texts in a language, by its tag (`vi`, `en-us`); figures where no text of it is known here."""
    return _TEXTS.get(language.partition("-")[0].lower(), ("1 2 3 4 5 6 7", "1 2 3", "1"))


_TEXTS = {
    "vi": ("Hắn vừa đi vừa chửi.", "Có hề gì?", "Tức mình."),
    "en": ("He was a big man with a large voice.", "Did he leave his name?", "No, sir."),
}
"""Of a Vietnamese story (Nam Cao, 1941) and an English novel (P. G. Wodehouse, 1921), both in the public domain."""
