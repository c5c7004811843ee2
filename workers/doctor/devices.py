"""Findings about GPUs: which there are, whether a driver answers, and whether it is new enough for what is installed.

Never initialises CUDA: all figures are the driver's, or stand in files of the installed packages.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from tasks.settings import Settings
from workers.doctor.builds import Build, installed
from workers.doctor.finding import Finding, fine, note, wrong
from workers.slots import nvml
from workers.slots.plan import gb

PCI = Path("/sys/bus/pci/devices")
NVIDIA = "0x10de"
DISPLAY = "0x03"
"""How the class of a graphics card begins; the same chip's sound has another."""

ON_CPU = "set MODEL_DEVICE=cpu"
NO_DRIVER = f"install NVIDIA's driver; in a container, start it with `--gpus all`; or {ON_CPU}"


def of_gpus(chosen: Settings) -> Iterator[Finding]:
    """The cards, the driver, and the installed builds that it cannot run."""
    every = nvml.survey()
    if not every.gpus:
        yield _none(every.reason, chosen)
        return
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    seen = every.gpus if visible is None else nvml.seen_by(every.gpus, visible)
    for gpu in every.gpus:
        if gpu in seen:
            yield fine("GPU", f"{gpu.label} {gpu.name}: {gb(gpu.free_bytes)} of {gb(gpu.total_bytes)} GB free")
        else:
            yield note("GPU", f"{gpu.label} {gpu.name}: hidden by CUDA_VISIBLE_DEVICES={visible!r}")
    if every.reason:
        yield wrong(
            "GPU", every.reason, "look at `nvidia-smi`; a lost card comes back when the machine is booted again"
        )
    yield from of_driver(nvml.driver(), installed(), chosen.device)


def of_driver(driver: nvml.Driver | None, builds: Iterable[Build], device: str) -> Iterator[Finding]:
    """The driver, and a line for each library that it cannot run, or that leaves the GPU unused."""
    if driver is None:
        yield note("GPU driver", "it does not say which CUDA it runs")
        return
    yield fine("GPU driver", f"{driver.version}, runs CUDA up to {_dotted(driver.cuda)}")
    for build in builds:
        if build.cuda is None and device != "cpu":
            yield note(
                "GPU driver", f"{build.name} {build.version} is a build for CPUs: it cannot use the GPU", _gpu(build)
            )
        elif build.cuda and build.cuda[0] > driver.cuda[0]:  # an older driver runs newer ones of the same number
            what = (
                f"{build.name} {build.version} was built for CUDA {_dotted(build.cuda)}, which this driver cannot run"
            )
            yield wrong(
                "GPU driver", what, f"install a newer driver, or a build for CUDA {driver.cuda[0]}; or {ON_CPU}"
            )


def has_card(folder: Path = PCI) -> bool:
    """Whether this machine has a graphics card of NVIDIA, with or without a driver; False where nobody can say."""
    return any(
        _reads(one / "vendor") == NVIDIA and _reads(one / "class").startswith(DISPLAY) for one in _devices(folder)
    )


def _none(reason: str, chosen: Settings) -> Finding:
    if chosen.device == "cuda":
        return wrong("GPU", f"MODEL_DEVICE=cuda, and there is no GPU: {reason}", NO_DRIVER)
    if chosen.device != "cpu" and has_card(PCI):
        return wrong("GPU", f"this machine has a card of NVIDIA, and it cannot be used: {reason}", NO_DRIVER)
    return note("GPU", f"none: {reason}; models run on the CPU")


def _gpu(build: Build) -> str:
    if build.name == "torch":
        return "pip install --force-reinstall torch, from an index with CUDA builds (https://pytorch.org)"
    return "pip uninstall -y onnxruntime && pip install 'slotline[onnx-gpu]'"


def _devices(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _reads(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _dotted(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"
