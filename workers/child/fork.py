"""Forks the sidecar of a slot's child, and ends the child with it. The sidecar keeps only the descriptors it needs.

Guarantee: the sidecar holds none of the pipes of Celery's pool. Otherwise the parent would not notice the child's
death as long as the sidecar lives. Must be called before the process starts a thread or loads a model.
"""

from __future__ import annotations

import logging
import os
import resource
import threading
import time
from collections.abc import Callable, Iterable
from typing import NoReturn

from tasks.exit_codes import FAILED

logger = logging.getLogger(__name__)

SIGNAL_WITHIN_S = 1.0
"""A signal that this process does not ignore ends it within this time."""


def fork(main: Callable[[], NoReturn], keep: Iterable[int]) -> int:
    """Run `main` in a new process that keeps the standard streams, the log's files and `keep`; returns its id."""
    pid = os.fork()
    if pid:
        return pid
    try:
        replace_descriptors({0, 1, 2, *keep, *log_descriptors()})
        main()
    except BaseException:  # the boundary of the process
        logger.exception("the sidecar ends")
    finally:
        os._exit(FAILED)


def end_with(pid: int) -> None:
    """From a thread: end this process as soon as the sidecar has ended, in the same way, whatever runs here."""
    threading.Thread(target=_end_with, args=(pid,), name="sidecar", daemon=True).start()


def _end_with(pid: int) -> None:
    try:
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    except ChildProcessError:  # somebody else has collected it
        code = FAILED
    if code < 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
        os.kill(os.getpid(), -code)  # so that the parent names the signal that has ended the sidecar
        time.sleep(SIGNAL_WITHIN_S)
    os._exit(code if code > 0 else FAILED)


def replace_descriptors(keep: set[int]) -> None:
    """Close all other descriptors of this process, and put the null device in their places.

    So their numbers are not given to new files, which an inherited object would close when it is collected.
    """
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    for descriptor in map(int, os.listdir("/dev/fd")):
        if descriptor not in keep and descriptor != null:
            os.dup2(null, descriptor, inheritable=False)
    os.close(null)


def log_descriptors() -> set[int]:
    """The descriptors of all files that this process logs to."""
    loggers = [logging.getLogger(), *map(logging.getLogger, logging.Logger.manager.loggerDict)]
    found: set[int] = set()
    for handler in (handler for one in loggers for handler in one.handlers):
        stream = getattr(handler, "stream", None)
        try:
            found.add(stream.fileno())  # type: ignore[union-attr]
        except (AttributeError, OSError, ValueError):  # no file: a stream of Celery's, or a closed one
            continue
    return found
