"""One record of a worker's log is one line with a date, whatever texts from outside it has.

Ids, names and errors come from senders. A line end in one of them would begin a line that looks like a record of its
own, and an escape sequence would reach the terminal. So the further lines of a record (a traceback) are indented, and
other control characters are shown as escapes. Changes no other program's log, and no level.
"""

from __future__ import annotations

import logging
from typing import Any

from celery import signals

from tasks.terminal.printable import printable

INDENT = "    "


class OneRecordALine(logging.Formatter):
    """Formats by another formatter, and then keeps the record together."""

    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self.inner = inner

    def format(self, record: logging.LogRecord) -> str:
        """The record's text: its first line, and indented lines."""
        has_colour = getattr(self.inner, "use_color", False)
        if not has_colour:
            return together(self.inner.format(record))
        # Celery's colours are escape sequences themselves, so they are added around the finished text.
        inner: Any = self.inner
        inner.use_color = False
        try:
            text = together(inner.format(record))
        finally:
            inner.use_color = True
        colour = inner.colors.get(record.levelname)
        return str(colour(text)) if colour else text


def together(text: str) -> str:
    """A record's text with its further lines indented, and without control characters. Pure."""
    return printable("\n".join(text.splitlines()), kept="\n\t").replace("\n", f"\n{INDENT}")


def install() -> None:
    """Let every log that Celery sets up in this process and its children be written so; harmless twice."""
    signals.after_setup_logger.connect(_on_setup, weak=False, dispatch_uid="slotline-log-lines")
    signals.after_setup_task_logger.connect(_on_setup, weak=False, dispatch_uid="slotline-task-log-lines")


def _on_setup(logger: logging.Logger, **_: Any) -> None:
    for handler in logger.handlers:
        if not isinstance(handler.formatter, OneRecordALine):
            handler.setFormatter(OneRecordALine(handler.formatter or logging.Formatter()))
