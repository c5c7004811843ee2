"""Normalises a text before it is spoken, hashed or compared: equal texts get equal characters. Pure."""

from __future__ import annotations

import re
import unicodedata

_LINE_ENDS = re.compile("\r\n|[\r\v\f\x1c\x1d\x1e\x85\u2028]")

# Unicode's categories Cc and Cs. A pattern, because it is fast on a chapter of a megabyte.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def normalise(text: str) -> str:
    """The text as it is spoken and hashed: NFC, Unix line ends, no control characters but newline and tab.

    Idempotent.
    """
    text = _LINE_ENDS.sub("\n", text).replace("\u2029", "\n\n")
    text = _CONTROLS.sub("", text)
    # NFC comes last: a control character may have been between a letter and its mark.
    return unicodedata.normalize("NFC", text)


def is_speakable(text: str) -> bool:
    """Whether the text has at least one letter or digit."""
    return any(c.isalnum() for c in text)
