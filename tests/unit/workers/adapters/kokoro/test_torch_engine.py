"""The engine on torch, by kokoro's real KModel with small random weights: lengths, seed, half precision, files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks.errors import ModelLoadError
from tests.unit.workers.adapters.kokoro.tiny_onnx import FRAMES
from workers.adapters import hardware
from workers.adapters.kokoro import torch_engine
from workers.adapters.kokoro.engine import FRAME
from workers.adapters.kokoro.torch_engine import TorchEngine, compute_in_half

PLACE = "models.toml line 1: [models.kokoro]"
STYLE = np.full(256, 0.02, np.float32)


def engine(folder: Path, device: str = "cpu", seed: int = 0) -> TorchEngine:
    return TorchEngine(folder / "kokoro-v1_0.pth", folder / "config.json", device, 1, seed, PLACE)


@pytest.mark.parametrize("speed", [0.5, 1.0, 1.4, 2.0])
def test_each_symbol_has_its_frames_and_all_are_told(tiny_kokoro_torch_folder: Path, speed: float) -> None:
    made = engine(tiny_kokoro_torch_folder).speak([5, 6, 7], STYLE, speed)
    assert list(made.ids) == [0, 5, 6, 7, 0]
    assert list(made.durations) == [round(FRAMES / speed)] * 5
    assert len(made.samples) == sum(made.durations) * FRAME
    assert made.samples.dtype == np.float32


def test_the_seed_decides_the_noise_whatever_was_spoken_before(tiny_kokoro_torch_folder: Path) -> None:
    first = engine(tiny_kokoro_torch_folder)
    samples = first.speak([5], STYLE, 1.0).samples
    first.speak([6, 7], STYLE, 1.0)
    assert np.array_equal(first.speak([5], STYLE, 1.0).samples, samples)
    other = engine(tiny_kokoro_torch_folder, seed=1).speak([5], STYLE, 1.0).samples
    assert len(other) == len(samples)
    assert not np.array_equal(other, samples)


def test_in_half_precision_a_text_is_as_long_and_nearly_the_same_sound(tiny_kokoro_torch_folder: Path) -> None:
    import torch

    whole, half = engine(tiny_kokoro_torch_folder), engine(tiny_kokoro_torch_folder)
    compute_in_half(half._model, "cpu")
    kinds = set()
    half._model.decoder.generator.conv_post.register_forward_hook(lambda _, __, made: kinds.add(made.dtype))
    expected, made = (one.speak([5], STYLE, 1.0) for one in (whole, half))
    assert kinds == {torch.float16}
    assert list(made.durations) == list(expected.durations)
    assert np.abs(made.samples - expected.samples).max() < 0.1 * np.abs(expected.samples).max()


def test_the_slots_precision_is_that_of_the_gpu(
    tiny_kokoro_torch_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(torch_engine, "compute_in_half", lambda model, kind: asked.append(kind))
    engine(tiny_kokoro_torch_folder)
    assert asked == []
    monkeypatch.setattr(hardware, "is_half", lambda device: True)
    engine(tiny_kokoro_torch_folder)
    assert asked == ["cuda"]


def test_weights_that_lack_tensors_are_refused_by_name_and_not_left_random(
    tiny_kokoro_torch_folder: Path, tmp_path: Path
) -> None:
    import torch

    saved: dict[str, Any] = torch.load(tiny_kokoro_torch_folder / "kokoro-v1_0.pth", weights_only=True)
    del saved["bert_encoder"]["module.bias"]
    del saved["decoder"]["module.F0_conv.bias"]
    torch.save(saved, tmp_path / "kokoro-v1_0.pth")
    (tmp_path / "config.json").write_bytes((tiny_kokoro_torch_folder / "config.json").read_bytes())
    with pytest.raises(
        ModelLoadError, match=r"is no Kokoro, or half of one: tensors are missing \(2, such as bert_encoder\.bias\)$"
    ):
        engine(tmp_path)


def test_each_normed_weight_is_computed_once(tiny_kokoro_torch_folder: Path) -> None:
    names = dict(engine(tiny_kokoro_torch_folder)._model.named_parameters())
    assert not [name for name in names if name.endswith("weight_g")]
    assert "decoder.generator.conv_post.weight" in names


def test_a_gpu_slot_where_torch_sees_no_gpu_is_refused(tiny_kokoro_torch_folder: Path) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(ModelLoadError, match=r"cuda:0, but torch sees no GPU .*MODEL_DEVICE=cpu"):
        engine(tiny_kokoro_torch_folder, "cuda:0")


LOADS = """
import os, sys
from pathlib import Path
os.environ.pop("ONEDNN_PRIMITIVE_CACHE_CAPACITY", None)
from workers.adapters.kokoro.torch_engine import TorchEngine
folder = Path(sys.argv[1])
TorchEngine(folder / "kokoro-v1_0.pth", folder / "config.json", "cpu", 1, 0, "here")
imported = [name for name in ("kokoro", "misaki", "spacy") if name in sys.modules]
print(os.environ["ONEDNN_PRIMITIVE_CACHE_CAPACITY"], imported)
"""


def test_a_load_bounds_the_kernels_that_are_kept_and_imports_nothing_that_makes_phonemes(
    tiny_kokoro_torch_folder: Path,
) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", LOADS, str(tiny_kokoro_torch_folder)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout.strip() == "64 []", done.stderr
