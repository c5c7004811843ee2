"""Which process this is, in words that another process of this machine can check later: does it still live?

A pid alone may belong to another process by now, or to another container. Guarantee: a process is called dead only if
it certainly is; where that cannot be known (another pid namespace, no /proc), it is not.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

NAMESPACE = Path("/proc/self/ns/pid")


def identity() -> dict[str, Any]:
    """What `is_dead` needs of this process, as JSON; `born` is when it began, in the kernel's ticks."""
    pid = os.getpid()
    stat = _stat(pid)
    return {"pid": pid, "namespace": _namespace(), "born": stat[1] if stat else None}


def is_dead(process: Mapping[str, Any]) -> bool:
    """Whether the process with this `identity`, of this machine, has certainly ended."""
    if process.get("born") is None or not process.get("namespace") or process["namespace"] != _namespace():
        return False
    try:
        os.kill(int(process["pid"]), 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # it lives, and is another user's
        return False
    stat = _stat(int(process["pid"]))
    return stat is not None and (stat[0] in "ZX" or stat[1] != process["born"])


def _stat(pid: int) -> tuple[str, int] | None:
    """A process's state, and when it began; None where the kernel does not say."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        return fields[0], int(fields[19])
    except (OSError, IndexError, ValueError):
        return None


def _namespace() -> str:
    try:
        return str(NAMESPACE.readlink())
    except OSError:
        return ""
