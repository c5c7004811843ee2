"""For which CUDA an installed library was built, read from files as the real wheels have them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from workers.doctor import builds
from workers.doctor.builds import Build, installed

TORCH = """from typing import Optional

__all__ = ['__version__', 'debug', 'cuda', 'git_version', 'hip', 'xpu']
__version__ = '2.9.0+cu128'
cuda: Optional[str] = '12.8'
hip: Optional[str] = None
"""
ONNX = "package_name = 'onnxruntime-gpu'\n__version__ = '1.23.0'\ncuda_version = '12.8'\n"

Install = Callable[[str, str, str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """`install(package, file, text)`: the only packages that are there."""
    monkeypatch.setattr(builds, "_folder_of", lambda name: path if (path := tmp_path / name).exists() else None)
    monkeypatch.setattr(builds, "_version", lambda name: "1.0")

    def install(package: str, file: str, text: str) -> None:
        path = tmp_path / package / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    return install


def test_each_library_says_for_which_cuda_it_was_built(install: Install) -> None:
    assert list(installed()) == []
    install("torch", "version.py", TORCH)
    install("onnxruntime", "capi/build_and_package_info.py", ONNX)
    assert list(installed()) == [Build("torch", "1.0", (12, 8)), Build("ONNX Runtime", "1.0", (12, 8))]


def test_a_build_for_cpus_has_no_cuda(install: Install) -> None:
    install("torch", "version.py", TORCH.replace("'12.8'", "None"))
    install("onnxruntime", "capi/build_and_package_info.py", ONNX.replace("cuda_version = '12.8'\n", ""))
    assert [build.cuda for build in installed()] == [None, None]


def test_what_is_installed_here_is_read_without_an_import() -> None:
    assert all(build.version for build in installed())
