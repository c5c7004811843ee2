"""What the driver tells, as slotline reads it; and a machine that has none."""

from __future__ import annotations

import builtins
import os
from pathlib import Path
from typing import Any

import pytest

from tasks.errors import ModelLoadError
from tests.unit.workers.slots.conftest import H200, RTX_3070, RTX_3080, RTX_4090, SLICED, Cards
from tests.unit.workers.slots.driver import pynvml
from workers.slots.nvml import Driver, User, busy_share, driver, read, seen_by, survey
from workers.slots.plan import GB


def test_every_card_is_told_with_its_memory_and_who_uses_it(cards: Cards) -> None:
    cards.plug(RTX_4090, H200)
    cards.take("GPU-4090", os.getpid(), 7.5)
    found = survey()
    assert [(gpu.label, gpu.uuid, gpu.name) for gpu in found.gpus] == [
        ("gpu0", "GPU-4090", "NVIDIA GeForce RTX 4090"),
        ("gpu1", "GPU-h200", "NVIDIA H200"),
    ]
    assert found.reason == ""
    assert found.gpus[0].users == (User(os.getpid(), int(7.5 * GB)),)
    assert found.gpus[0].total_bytes - found.gpus[0].free_bytes == int(7.5 * GB)
    assert found.gpus[1].free_bytes == H200["total"]


def test_slices_stand_in_the_place_of_a_card_that_is_cut(cards: Cards) -> None:
    cards.plug(RTX_3070, SLICED)
    assert [(gpu.label, gpu.uuid) for gpu in survey().gpus] == [
        ("gpu0", "GPU-3070"),
        ("gpu1.0", "MIG-0"),
        ("gpu1.1", "MIG-1"),
        ("gpu1.2", "MIG-2"),
        ("gpu1.3", "MIG-3"),
    ]


def test_a_card_that_is_to_be_cut_but_has_no_slice_is_named(cards: Cards) -> None:
    cards.plug({**SLICED, "slices": []})
    found = survey()
    assert found.gpus == ()
    assert found.reason == "gpu0: MIG is on, but the card is cut into no slice"


def test_a_lost_card_hides_no_other_and_is_named(cards: Cards) -> None:
    cards.plug({**RTX_3080, "lost": True}, RTX_3070)
    found = survey()
    assert [gpu.label for gpu in found.gpus] == ["gpu1"]
    assert found.reason == "gpu0 cannot be used (NVML: GPU is lost)"


def test_a_driver_that_tells_no_processes_costs_only_that(cards: Cards) -> None:
    cards.plug({**RTX_3080, "is_silent": True})
    assert survey().gpus[0].users == ()


def test_no_driver_is_no_gpu_with_a_reason(cards: Cards) -> None:
    (cards.folder / "cards.json").unlink()
    found = survey()
    assert found.gpus == ()
    assert found.reason == "no NVIDIA driver answers (NVML: NVML Shared Library Not Found)"
    assert busy_share("GPU-4090") is None


def test_the_driver_says_its_version_and_the_newest_cuda_that_it_runs(cards: Cards) -> None:
    cards.drive("535.104.05", 12020)
    assert driver() == Driver("535.104.05", (12, 2))
    (cards.folder / "cards.json").unlink()
    assert driver() is None


def test_no_library_is_no_gpu_with_a_reason(cards: Cards, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "pynvml":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    assert survey().reason == "the package nvidia-ml-py is not installed"


def test_one_gpu_or_slice_is_read_by_its_uuid(cards: Cards) -> None:
    cards.plug(SLICED, {**RTX_3080, "busy": 40})
    assert read("MIG-2").name.endswith("MIG 1g.24gb")
    assert busy_share("GPU-3080") == pytest.approx(0.4)
    with pytest.raises(ModelLoadError, match=r"the driver does not show gpu7 \(GPU-gone\) any more: NVML: Not Found"):
        read("GPU-gone", "gpu7")


@pytest.mark.parametrize(
    ("visible", "seen"),
    [
        ("0", ["gpu0"]),
        ("1,0", ["gpu1", "gpu0"]),
        ("GPU-3", []),
        ("GPU-4090", ["gpu0"]),
        ("GPU-40", ["gpu0"]),
        ("MIG-1,MIG-0", ["gpu3.1", "gpu3.0"]),
        ("1,9,0", ["gpu1"]),
        ("-1", []),
        ("", []),
    ],
)
def test_cuda_visible_devices_hides_what_it_does_not_name(cards: Cards, visible: str, seen: list[str]) -> None:
    cards.plug(RTX_4090, RTX_3080, RTX_3070, SLICED)
    found = survey(visible)
    assert [gpu.label for gpu in found.gpus] == seen
    assert bool(found.reason) == (not seen)
    assert [gpu.label for gpu in seen_by(survey().gpus, visible)] == seen


def test_every_look_closes_the_library_again(cards: Cards) -> None:
    cards.plug(RTX_4090)
    survey()
    read("GPU-4090")
    assert pynvml._open == 0


def test_the_real_library_on_this_machine_answers_or_gives_a_reason() -> None:
    found = survey()
    assert found.gpus or found.reason
    for gpu in found.gpus:
        assert gpu.uuid.startswith(("GPU-", "MIG-"))
        assert 0 <= gpu.free_bytes <= gpu.total_bytes
    if not Path("/proc/driver/nvidia/version").exists() and not Path("/dev/dxg").exists():
        assert not found.gpus
