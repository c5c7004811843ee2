"""TensorRT's options for a face; it was never run here, so what ONNX Runtime makes of them is not tested."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from workers.adapters.lipsync.computing import tensorrt
from workers.adapters.lipsync.computing.network import Shape
from workers.adapters.lipsync.computing.tensorrt import TENSORRT

PLACE = "models.toml line 1: [models.faces]"
SHAPE = Shape(320, None, "float32", ("input", "audio", "output"))


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    made = tmp_path / "model_best.onnx"
    made.write_bytes(b"anna")
    return made


def test_an_engine_is_for_one_to_all_frames_of_a_batch_and_in_float16(file: Path) -> None:
    name, options = tensorrt.provider(file, SHAPE, "cuda:1", 25, half=True)
    assert name == TENSORRT
    assert options["device_id"] == "1"
    assert options["trt_fp16_enable"] == "True"
    assert options["trt_profile_min_shapes"] == "input:1x6x320x320,audio:1x32x16x16"
    assert options["trt_profile_opt_shapes"] == options["trt_profile_max_shapes"]
    assert options["trt_profile_max_shapes"] == "input:25x6x320x320,audio:25x32x16x16"
    _, options = tensorrt.provider(file, Shape(320, 1, "float32", ("a", "b", "c")), "cuda", 25, half=False)
    assert options["trt_fp16_enable"] == "False"
    assert "trt_profile_min_shapes" not in options


def test_faces_of_one_structure_have_engines_of_their_own(file: Path, tmp_path: Path) -> None:
    def folder() -> Path:
        return Path(tensorrt.provider(file, SHAPE, "cuda", 25, half=True)[1]["trt_engine_cache_path"])

    anna = folder()
    assert folder() == anna
    assert anna.is_dir()
    assert tmp_path / "cache" in anna.parents
    file.write_bytes(b"ben!")
    assert folder() != anna


@pytest.mark.usefixtures("model_packages")
def test_without_tensorrt_a_line_says_what_computes(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import onnxruntime

    assert not tensorrt.is_built_in(PLACE)
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [TENSORRT])
    assert tensorrt.is_built_in(PLACE)
    tensorrt.check(SimpleNamespace(get_providers=lambda: ["CUDAExecutionProvider"]), PLACE)
    tensorrt.check(SimpleNamespace(get_providers=lambda: [TENSORRT]), PLACE)
    assert [one.getMessage() for one in caplog.records] == [
        f"{PLACE} tensorrt: onnxruntime {onnxruntime.__version__} was built without it; the face is computed by CUDA's"
        " provider, in float32 or TF32",
        f"{PLACE} tensorrt: its libraries were not found or do not fit (ONNX Runtime's own message is above); the face"
        " is computed by CUDA's provider, in float32 or TF32",
    ]
