"""Which packages an adapter lacks: found without importing any, so the answer takes milliseconds.

That a package is there does not say that it can be imported: a load says that.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec

from tasks.errors import MissingExtra


def missing(names: Iterable[str]) -> list[str]:
    """Those of the top-level packages that are not installed."""
    return [name for name in names if not _is_there(name)]


def require(names: Iterable[str], place: str, install: str) -> None:
    """Raise `MissingExtra` with the packages that are not installed, and the command that installs them."""
    if lacking := missing(names):
        verb = "is" if len(lacking) == 1 else "are"
        raise MissingExtra(f"{place} {', '.join(lacking)} {verb} not installed; run: {install}")


def _is_there(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ValueError:  # something that an adapter put in the place of a module (viettts does)
        return True
