"""Loads PyAV, and says in one line what to install where it is missing.

PyAV brings FFmpeg. Loading it takes a tenth of a second, so it is done by those who use it, when they use it.
"""

from __future__ import annotations

from typing import Any

from tasks.errors import MissingExtra

INSTALL = "pip install 'slotline[av]'"


def load(what: str) -> Any:
    """The package `av`; raises `MissingExtra` that says what (`film`, `sound`) cannot be made or read without it."""
    try:
        import av
    except ImportError as exc:
        raise MissingExtra(f"{what}: PyAV cannot be imported ({exc}); run: {INSTALL}") from exc
    return av
