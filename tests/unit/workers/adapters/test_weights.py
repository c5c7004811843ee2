"""A model's files: their digest, and the words for what is broken."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tasks.errors import MissingExtra, ModelLoadError
from tasks.settings import settings
from workers.adapters import hardware, weights


def test_a_digest_goes_by_name_and_content_and_not_by_place_or_time(tmp_path: Path) -> None:
    for place in ("here", "there"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "a.pt").write_bytes(b"weights")
    here, there = (tmp_path / place / "a.pt" for place in ("here", "there"))
    first = weights.digest([here])
    assert weights.digest([there]) == first
    there.write_bytes(b"weightz")
    assert weights.digest([there]) != first
    assert weights.digest([here.rename(tmp_path / "b.pt")]) != first


@pytest.mark.parametrize("changed", ["first", "middle", "last", "length"])
def test_a_change_throughout_a_large_file_or_at_its_ends_gives_another_digest(tmp_path: Path, changed: str) -> None:
    size = 2 * weights.WHOLE_BYTES
    large = tmp_path / "large.pt"
    large.write_bytes(b"\0" * size)
    before = weights.digest([large])
    content = {
        "first": b"\1" + b"\0" * (size - 1),
        "middle": b"\0" * 1024 + b"\1" * (size - 2048) + b"\0" * 1024,
        "last": b"\0" * (size - 1) + b"\1",
        "length": b"\0" * (size + 1),
    }[changed]
    large.write_bytes(content)
    assert weights.digest([large]) != before


def test_where_every_file_can_be_read_the_loads_own_words_are_given(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    said = weights.blame([tmp_path / "config.json"], ValueError("no\nmodel_type"))
    assert said == f"{tmp_path} cannot be loaded: ValueError: no model_type"


def test_missing_and_empty_files_are_named_all_at_once(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    with pytest.raises(ModelLoadError, match=r"lacks b, c; get it$"):
        weights.require(tmp_path, ("a", "b", "c"), "here", "get it")
    with pytest.raises(ModelLoadError, match=r"/a is empty; get it$"):
        weights.require(tmp_path, ("a",), "here", "get it")


def test_the_cores_are_divided_among_the_hosts_slots(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(16)), raising=False)
    chosen = settings().model_copy(update={"cpu_slots": 3, "max_instances": None})
    monkeypatch.setattr(hardware, "settings", lambda: chosen)
    assert hardware.threads(0, "cpu") == 5
    assert hardware.threads(0, "cuda:0") == hardware.MOST_GPU_THREADS
    assert hardware.threads(7, "cpu") == 7
    chosen = chosen.model_copy(update={"cpu_slots": 64, "max_instances": 8})
    assert hardware.threads(0, "cpu") == 1
    assert hardware.threads(0, "cuda:0") == 2


@pytest.mark.usefixtures("model_packages")
def test_two_builds_of_onnx_runtime_at_once_are_refused_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "_is_installed", lambda distribution: True)
    with pytest.raises(MissingExtra, match=r"both installed .* pip install 'slotline\[onnx-gpu\]'$"):
        hardware.check_onnxruntime("cuda:0", "here")


@pytest.mark.usefixtures("model_packages")
def test_a_gpu_slot_with_onnx_runtime_for_cpus_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import onnxruntime

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    hardware.check_onnxruntime("cuda:0", "here")
    assert "pip install 'slotline[onnx-gpu]'" in caplog.text
    assert hardware.providers("cuda:0") == ["CPUExecutionProvider"]
