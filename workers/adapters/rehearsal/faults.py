"""The faults of the rehearsal: words in an input that end its process, take memory, or make it slow.

The words stand in the docstring of `workers/adapters/rehearsal/__init__.py`. Nothing here looks at whether faults are
wanted.
"""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable

from tasks.errors import ModelError

MIB = 1024 * 1024

_FAULT = re.compile(r"⚡(?:(slow|hog)=([0-9]+(?:\.[0-9]+)?)|(error|memory|crash|killed|hang)\b)")
_LEAKED: list[bytes] = []
"""What the batches of this process have leaked, also over an unload."""


def misbehave(text: str, spend: Callable[[float], None]) -> None:
    """Cause the faults that the words in `text` name, in order; `spend` sleeps."""
    for found in _FAULT.finditer(text):
        match found[1] or found[3]:
            case "slow":
                spend(float(found[2]))
            case "error":
                raise ModelError("text: ⚡error stands in it")
            case "memory":
                raise MemoryError("⚡memory stands in the text")
            case "hog":
                # Written to, so that the memory is really allocated.
                b"\1" * int(float(found[2]) * MIB)
            case "crash":
                os.kill(os.getpid(), signal.SIGSEGV)
            case "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            case "hang":
                while True:
                    time.sleep(3600)


def leak(mib: float) -> None:
    """Take so many MiB, and never free them."""
    _LEAKED.append(b"\1" * int(mib * MIB))  # written, so that the kernel gives the memory
