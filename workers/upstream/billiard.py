"""Billiard's private parts: errors as they cross from the child to the parent, and a pool's processes."""

from __future__ import annotations

from typing import Any

from billiard.common import human_status, terminate_handler_fired
from billiard.compat import mem_rss
from billiard.einfo import ExceptionInfo


def exception_info(error: BaseException) -> ExceptionInfo:
    """The error as a pool hands it over; one error may be handed over many times."""
    try:
        raise error.with_traceback(None)
    except BaseException:
        return ExceptionInfo()


def how_it_ended(exitcode: int) -> str:
    """A process' exit code in words: the status, or the name of the signal."""
    return str(human_status(exitcode))


def is_terminated() -> bool:
    """Whether this child was asked to end by billiard's own handler of SIGTERM: what is raised then passes through."""
    return bool(terminate_handler_fired())


def processes_of(pool: Any) -> tuple[Any, ...]:
    """The child processes of a Celery pool, if it has any (`TaskPool` wraps billiard's `Pool`)."""
    return tuple(getattr(getattr(pool, "_pool", None), "_pool", ()))


def largest_memory_bytes() -> int:
    """The most memory that this process has had, where the system does not say what it has now."""
    return int(mem_rss()) * 1024
