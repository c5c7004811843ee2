"""The GPUs of this machine as NVIDIA's driver shows them; the only module that imports NVML.

Changes nothing, and never initialises CUDA, so the main process of a worker may call it. A
machine without the package, the driver or a GPU has no GPUs, with a reason in words; that is
no error. Where a card is cut into MIG slices, the slices take its place. Each call opens NVML
and closes it again, so that nothing of it lives across a fork.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tasks.errors import ModelLoadError


@dataclass(frozen=True)
class User:
    """A process on a GPU; its memory in bytes, None if the driver does not show it. A container has other pids."""

    pid: int
    used_bytes: int | None


@dataclass(frozen=True)
class Gpu:
    """A GPU or a MIG slice. `label` is `gpu0`, or `gpu0.1` for a slice; `uuid` is what CUDA_VISIBLE_DEVICES takes."""

    uuid: str
    label: str
    name: str
    total_bytes: int
    free_bytes: int
    users: tuple[User, ...] = ()


@dataclass(frozen=True)
class Survey:
    """The GPUs by index; `reason` says why there are none, or what was left out (empty: nothing)."""

    gpus: tuple[Gpu, ...]
    reason: str = ""


@dataclass(frozen=True)
class Driver:
    """NVIDIA's driver: its version (`535.104.05`), and the newest CUDA that it runs, such as (12, 2)."""

    version: str
    cuda: tuple[int, int]


class _NoDriver(Exception):
    """NVML cannot be used here; the message says why."""


def survey(visible: str | None = None) -> Survey:
    """All GPUs, or those that `visible` names, written like CUDA_VISIBLE_DEVICES."""
    try:
        with _driver() as nvml:
            found, notes = _all(nvml)
    except _NoDriver as exc:
        return Survey((), str(exc))
    if not found:
        return Survey((), "; ".join(notes) or "the driver shows no GPU")
    if visible is None:
        return Survey(tuple(found), "; ".join(notes))
    seen = seen_by(found, visible)
    if not seen:
        notes.append(f"CUDA_VISIBLE_DEVICES={visible!r} hides {', '.join(gpu.label for gpu in found)}")
    return Survey(tuple(seen), "; ".join(notes))


def seen_by(gpus: Sequence[Gpu], visible: str) -> list[Gpu]:
    """The GPUs that a value of CUDA_VISIBLE_DEVICES names, by index or the beginning of a UUID.

    As in CUDA, the first word that names no GPU ends the list.
    """
    found: list[Gpu] = []
    for word in map(str.strip, visible.split(",")):
        named = [
            gpu for gpu in gpus if (gpu.label == f"gpu{word}" if word.isdigit() else word and gpu.uuid.startswith(word))
        ]
        if len(named) != 1:
            break
        found += [gpu for gpu in named if gpu not in found]
    return found


def read(uuid: str, label: str = "") -> Gpu:
    """One GPU as it is now, by its UUID; raises `ModelLoadError` when the driver does not show it (any more)."""
    try:
        with _driver() as nvml:
            try:
                return _gpu(nvml, nvml.nvmlDeviceGetHandleByUUID(uuid), label)
            except nvml.NVMLError as exc:
                raise _NoDriver(f"NVML: {exc}") from exc
    except _NoDriver as exc:
        raise ModelLoadError(f"the driver does not show {label or 'the GPU'} ({uuid}) any more: {exc}") from exc


def driver() -> Driver | None:
    """The driver of this machine; None where none answers, or it does not say."""
    try:
        with _driver() as nvml:
            try:
                cuda = int(nvml.nvmlSystemGetCudaDriverVersion_v2())
                return Driver(str(nvml.nvmlSystemGetDriverVersion()), (cuda // 1000, cuda % 1000 // 10))
            except nvml.NVMLError:
                return None
    except _NoDriver:
        return None


def busy_share(uuid: str) -> float | None:
    """The share of the last sampling period (up to a second) in which the GPU computed, 0..1; None if not shown."""
    try:
        with _driver() as nvml:
            try:
                return float(nvml.nvmlDeviceGetUtilizationRates(nvml.nvmlDeviceGetHandleByUUID(uuid)).gpu) / 100
            except nvml.NVMLError:
                return None
    except _NoDriver:
        return None


@contextlib.contextmanager
def _driver() -> Iterator[Any]:
    """NVML, open for the length of a block; raises `_NoDriver`."""
    try:
        import pynvml
    except ImportError as exc:
        raise _NoDriver("the package nvidia-ml-py is not installed") from exc
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as exc:
        raise _NoDriver(f"no NVIDIA driver answers (NVML: {exc})") from exc
    try:
        yield pynvml
    finally:
        with contextlib.suppress(pynvml.NVMLError):
            pynvml.nvmlShutdown()


def _all(nvml: Any) -> tuple[list[Gpu], list[str]]:
    """Every GPU and slice that can be read, and a line for each that cannot: one lost card hides no other."""
    found: list[Gpu] = []
    notes: list[str] = []
    for index in range(nvml.nvmlDeviceGetCount()):
        try:
            card = nvml.nvmlDeviceGetHandleByIndex(index)
            if not _is_cut(nvml, card):
                found.append(_gpu(nvml, card, f"gpu{index}"))
            elif slices := list(_slices(nvml, card, index)):
                found += slices
            else:
                notes.append(f"gpu{index}: MIG is on, but the card is cut into no slice")
        except nvml.NVMLError as exc:
            notes.append(f"gpu{index} cannot be used (NVML: {exc})")
    return found, notes


def _is_cut(nvml: Any, card: Any) -> bool:
    try:
        return bool(nvml.nvmlDeviceGetMigMode(card)[0])
    except nvml.NVMLError:  # a card, or a driver, that knows no MIG
        return False


def _slices(nvml: Any, card: Any, index: int) -> Iterator[Gpu]:
    for number in range(nvml.nvmlDeviceGetMaxMigDeviceCount(card)):
        try:
            handle = nvml.nvmlDeviceGetMigDeviceHandleByIndex(card, number)
        except nvml.NVMLError:  # this place on the card holds no slice
            continue
        yield _gpu(nvml, handle, f"gpu{index}.{number}")


def _gpu(nvml: Any, handle: Any, label: str) -> Gpu:
    memory = nvml.nvmlDeviceGetMemoryInfo(handle)
    return Gpu(
        uuid=str(nvml.nvmlDeviceGetUUID(handle)),
        label=label,
        name=str(nvml.nvmlDeviceGetName(handle)),
        total_bytes=int(memory.total),
        free_bytes=int(memory.free),
        users=_users(nvml, handle),
    )


def _users(nvml: Any, handle: Any) -> tuple[User, ...]:
    try:
        running = nvml.nvmlDeviceGetComputeRunningProcesses(handle)
    except nvml.NVMLError:  # some drivers do not show it in a container, or for a slice
        return ()
    return tuple(User(int(one.pid), None if one.usedGpuMemory is None else int(one.usedGpuMemory)) for one in running)
