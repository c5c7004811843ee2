"""What is said of GPUs, on a fake driver and a fake bus."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.settings import read
from tests.unit.workers.doctor.conftest import said
from tests.unit.workers.slots.conftest import H200, RTX_4090, Cards
from workers.doctor import devices
from workers.doctor.builds import Build
from workers.doctor.devices import has_card, of_driver, of_gpus
from workers.slots.nvml import Driver

AUTO, CPU, CUDA = (read({"MODEL_DEVICE": device}) for device in ("auto", "cpu", "cuda"))
OLD = Driver("535.104.05", (12, 2))


@pytest.fixture(autouse=True)
def bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The machine's bus, with nothing on it."""
    folder = tmp_path / "pci"
    folder.mkdir()
    monkeypatch.setattr(devices, "PCI", folder)
    monkeypatch.setattr(devices, "installed", lambda: [])
    return folder


def plug(bus: Path, vendor: str, kind: str) -> None:
    """A device on the bus."""
    (bus / "0000:01:00.0").mkdir()
    (bus / "0000:01:00.0" / "vendor").write_text(f"{vendor}\n")
    (bus / "0000:01:00.0" / "class").write_text(f"{kind}\n")


def test_each_card_and_the_driver_are_a_line(cards: Cards, monkeypatch: pytest.MonkeyPatch) -> None:
    cards.plug(RTX_4090, H200)
    cards.drive("535.104.05", 12020)
    assert said(of_gpus(AUTO)) == [
        "✓ GPU gpu0 NVIDIA GeForce RTX 4090: 24.0 of 24.0 GB free",
        "✓ GPU gpu1 NVIDIA H200: 140.4 of 140.4 GB free",
        "✓ GPU driver 535.104.05, runs CUDA up to 12.2",
    ]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    assert said(of_gpus(AUTO))[0] == "– GPU gpu0 NVIDIA GeForce RTX 4090: hidden by CUDA_VISIBLE_DEVICES='1'"


def test_a_lost_card_is_wrong_and_hides_no_other(cards: Cards) -> None:
    cards.plug({**RTX_4090, "lost": True}, H200)
    found = said(of_gpus(AUTO))
    assert found[0].startswith("✓ GPU gpu1 NVIDIA H200")
    assert found[1].startswith("✗ GPU gpu0 cannot be used (NVML: GPU is lost) → look at `nvidia-smi`")


def test_without_a_card_there_is_nothing_to_repair_unless_a_gpu_was_asked_for(cards: Cards, bus: Path) -> None:
    (cards.folder / "cards.json").unlink()
    plug(bus, "0x8086", "0x030000")
    (line,) = said(of_gpus(AUTO))
    assert line.startswith("– GPU none: no NVIDIA driver answers (")
    (line,) = said(of_gpus(CUDA))
    assert line.startswith("✗ GPU MODEL_DEVICE=cuda, and there is no GPU: no NVIDIA driver answers")


def test_a_card_without_a_driver_is_wrong_unless_models_run_on_the_cpu_on_purpose(cards: Cards, bus: Path) -> None:
    (cards.folder / "cards.json").unlink()
    plug(bus, "0x10de", "0x030200")
    (line,) = said(of_gpus(AUTO))
    assert line.startswith("✗ GPU this machine has a card of NVIDIA, and it cannot be used: no NVIDIA driver answers")
    assert line.endswith("in a container, start it with `--gpus all`; or set MODEL_DEVICE=cpu")
    assert said(of_gpus(CPU))[0].startswith("– GPU none: ")


def test_the_sound_of_a_graphics_card_is_no_card(bus: Path) -> None:
    plug(bus, "0x10de", "0x040300")
    assert not has_card(bus)
    assert not has_card(bus / "nothing")


def test_a_driver_runs_the_builds_of_its_own_cuda_and_of_older_ones() -> None:
    builds = [Build("torch", "2.5", (12, 8)), Build("ONNX Runtime", "1.18", (11, 8))]
    assert said(of_driver(OLD, builds, "auto")) == ["✓ GPU driver 535.104.05, runs CUDA up to 12.2"]


def test_a_driver_that_is_too_old_for_a_build_is_wrong() -> None:
    assert said(of_driver(OLD, [Build("torch", "2.11.0", (13, 0))], "auto"))[1:] == [
        "✗ GPU driver torch 2.11.0 was built for CUDA 13.0, which this driver cannot run → install a newer driver, or "
        "a build for CUDA 12; or set MODEL_DEVICE=cpu"
    ]


def test_a_build_for_cpus_beside_a_gpu_is_noted() -> None:
    build = Build("ONNX Runtime", "1.32.0", None)
    assert said(of_driver(OLD, [build], "auto"))[1:] == [
        "– GPU driver ONNX Runtime 1.32.0 is a build for CPUs: it cannot use the GPU → pip uninstall -y onnxruntime && "
        "pip install 'slotline[onnx-gpu]'"
    ]
    assert "pytorch.org" in said(of_driver(OLD, [Build("torch", "2", None)], "auto"))[1]
    assert len(said(of_driver(OLD, [build], "cpu"))) == 1
    assert said(of_driver(None, [build], "auto")) == ["– GPU driver it does not say which CUDA it runs"]
