"""An error of an adapter's own code as one line: what it says, and the line of the adapter that it came from."""

from __future__ import annotations

import contextlib
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tasks.errors import InvalidInput, OutOfMemory, SlotlineError
from workers.adapters.base import Cancelled

HERE = Path(__file__).parent
LONGEST = 300
"""How many characters of an error are shown."""


@dataclass(frozen=True)
class Failure:
    """What one method of an adapter raised or returned as an error; `by` is the method."""

    by: str
    kind: str
    """The name of its class."""
    words: str
    """Its message in one line."""
    place: str = ""
    """`adapter.py line 12`; empty where it is not known."""
    is_slotlines: bool = False
    is_refusal: bool = False
    """Whether it says that the input is at fault."""
    is_cancelled: bool = False
    is_memory: bool = False
    lines: int = 1
    """How many lines its message has."""

    @property
    def said(self) -> str:
        """Slotline's errors as they are; others with their class and place."""
        if self.is_slotlines and self.words:
            return self.words
        at = f" ({self.place})" if self.place else ""
        return f"{self.kind}{': ' if self.words else ''}{self.words}{at}"


class CallFailed(Exception):
    """A method of the adapter raised an error."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure)
        self.failure = failure


def failure_of(exc: BaseException, by: str, home: Path | None = None) -> Failure:
    """The error in words; `home` is the folder or the file of the adapter's own code."""
    message = str(exc)
    return Failure(
        by=by,
        kind=type(exc).__name__,
        words=" ".join(message.split())[:LONGEST],
        place=_place(exc, home),
        is_slotlines=isinstance(exc, SlotlineError),
        is_refusal=isinstance(exc, InvalidInput),
        is_cancelled=isinstance(exc, Cancelled),
        is_memory=isinstance(exc, (MemoryError, OutOfMemory)),
        lines=max(1, len(message.strip().splitlines())),
    )


@contextlib.contextmanager
def calling(by: str, home: Path | None = None) -> Iterator[None]:
    """Around a call of that method of the adapter: what it raises becomes `CallFailed`. Traces go to stderr."""
    try:
        yield
    except CallFailed:
        raise
    except (Exception, SystemExit, Cancelled) as exc:  # the boundary to the adapter's own code
        if not isinstance(exc, SlotlineError):
            traceback.print_exception(exc, file=sys.stderr)
        raise CallFailed(failure_of(exc, by, home)) from None


def _place(exc: BaseException, home: Path | None) -> str:
    """The innermost line in the adapter's own code; else the innermost line of all, but none of these checks."""
    if isinstance(exc, SyntaxError) and exc.filename:
        return f"{Path(exc.filename).name} line {exc.lineno}"
    frames = [one for one in traceback.extract_tb(exc.__traceback__) if Path(one.filename).parent != HERE]
    own = [one for one in frames if home is not None and Path(one.filename).is_relative_to(home)]
    found = (own or frames)[-1:]
    return f"{Path(found[0].filename).name} line {found[0].lineno}" if found else ""
