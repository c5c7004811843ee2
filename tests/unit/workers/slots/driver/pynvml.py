"""NVIDIA's management library as `workers/slots/nvml.py` uses it, over cards that stand in a folder.

`FAKE_GPUS` names the folder. `cards.json` lists the cards (see `tests/unit/workers/slots/conftest.py`);
`driver.json` says which driver it is; a file `UUID.PID` beside them holds the bytes that a
process took of a card or slice. As with a real driver, what a dead process took is free again.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


class NVMLError(Exception):
    """Any error of the library."""


class NVMLError_LibraryNotFound(NVMLError):
    """There is no driver."""

    def __str__(self) -> str:
        return "NVML Shared Library Not Found"


class NVMLError_NotSupported(NVMLError):
    """The card cannot tell."""

    def __str__(self) -> str:
        return "Not Supported"


class NVMLError_NotFound(NVMLError):
    """There is no such device."""

    def __str__(self) -> str:
        return "Not Found"


class NVMLError_GpuIsLost(NVMLError):
    """The card fell off the bus."""

    def __str__(self) -> str:
        return "GPU is lost"


class NVMLError_Uninitialized(NVMLError):
    """nvmlInit was not called."""

    def __str__(self) -> str:
        return "Uninitialized"


@dataclass
class Memory:
    """Bytes."""

    total: int
    free: int
    used: int


@dataclass
class Process:
    """A process on a card."""

    pid: int
    usedGpuMemory: int | None


@dataclass
class Utilization:
    """Percent."""

    gpu: int
    memory: int


@dataclass
class Handle:
    """A card or a slice."""

    told: dict[str, Any] = field(default_factory=dict)


_open = 0


def nvmlInit() -> None:
    global _open
    if not (_folder() / "cards.json").exists():
        raise NVMLError_LibraryNotFound
    _open += 1


def nvmlShutdown() -> None:
    global _open
    _open -= 1


def nvmlSystemGetDriverVersion() -> str:
    return str(_about()["version"])


def nvmlSystemGetCudaDriverVersion_v2() -> int:
    return int(_about()["cuda"])


def nvmlDeviceGetCount() -> int:
    return len(_cards())


def nvmlDeviceGetHandleByIndex(index: int) -> Handle:
    card = _cards()[index]
    if card.get("lost"):
        raise NVMLError_GpuIsLost
    return Handle(card)


def nvmlDeviceGetHandleByUUID(uuid: str) -> Handle:
    every = [one for card in _cards() for one in (card, *card.get("slices", []))]
    found = [one for one in every if one["uuid"] == uuid and not one.get("lost")]
    if not found:
        raise NVMLError_NotFound
    return Handle(found[0])


def nvmlDeviceGetMigMode(handle: Handle) -> list[int]:
    if "slices" not in handle.told:
        raise NVMLError_NotSupported
    return [1, 1]


def nvmlDeviceGetMaxMigDeviceCount(handle: Handle) -> int:
    return 7


def nvmlDeviceGetMigDeviceHandleByIndex(handle: Handle, index: int) -> Handle:
    slices = handle.told["slices"]
    if index >= len(slices):
        raise NVMLError_NotFound
    return Handle(slices[index])


def nvmlDeviceGetMemoryInfo(handle: Handle) -> Memory:
    taken = sum(one.usedGpuMemory or 0 for one in _processes(handle))
    total = int(handle.told["total"])
    used = taken + int(handle.told.get("used", 0))
    return Memory(total, total - used, used)


def nvmlDeviceGetUUID(handle: Handle) -> str:
    return str(handle.told["uuid"])


def nvmlDeviceGetName(handle: Handle) -> str:
    return str(handle.told["name"])


def nvmlDeviceGetComputeRunningProcesses(handle: Handle) -> list[Process]:
    if handle.told.get("is_silent"):
        raise NVMLError_NotSupported
    return _processes(handle)


def nvmlDeviceGetUtilizationRates(handle: Handle) -> Utilization:
    if "slices" in handle.told:
        raise NVMLError_NotSupported
    return Utilization(int(handle.told.get("busy", 0)), 0)


def _about() -> dict[str, Any]:
    """The driver itself: what `driver.json` says, else one of today."""
    if _open < 1:
        raise NVMLError_Uninitialized
    path = _folder() / "driver.json"
    return json.loads(path.read_text()) if path.exists() else {"version": "580.65.06", "cuda": 13000}


def _folder() -> Path:
    return Path(os.environ["FAKE_GPUS"])


def _cards() -> list[dict[str, Any]]:
    if _open < 1:
        raise NVMLError_Uninitialized
    found: list[dict[str, Any]] = json.loads((_folder() / "cards.json").read_text())
    return found


def _processes(handle: Handle) -> list[Process]:
    files = sorted(_folder().glob(f"{handle.told['uuid']}.*"))
    claims = [(int(path.suffix[1:]), path.read_text()) for path in files]
    return [Process(pid, int(took)) for pid, took in claims if took and _lives(pid)]


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
