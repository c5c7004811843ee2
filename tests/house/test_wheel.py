"""The built wheel in an empty environment: the whole main job, from folders that have nothing to do with slotline."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXT = "Chapter I\n\nIt was a fine morning. The hens were up.\n\n* * *\n\nNobody else was.\n"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def clean_environment(home: Path) -> dict[str, str]:
    """This process's environment, less what would lead a program to this checkout or to the user's own data."""
    names = ("SLOTLINE_", "CELERY_", "GPU_", "MODEL_", "PARALLEL_", "PYTHON", "VIRTUAL_ENV", "XDG_DATA_HOME")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(names)}
    return {**kept, "XDG_DATA_HOME": str(home)}


def run(*command: str | Path, cwd: Path, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """A command's outcome; fails the test with its output when it does not end well."""
    done = subprocess.run(list(map(str, command)), cwd=cwd, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT, cwd=folder)
    (found,) = folder.glob("slotline-*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of commands of an environment that holds the wheel with espeak, and nothing of this checkout."""
    folder = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", folder, cwd=folder)
    run(folder / "bin" / "pip", "install", "--quiet", f"{wheel}[espeak]", cwd=folder)
    return folder / "bin"


def test_the_wheel_holds_code_scripts_and_the_default_catalog_alone(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    scripts = {
        path.relative_to(ROOT).as_posix()
        for package in ("tasks", "workers")
        for path in (ROOT / package).rglob("*.lua")
    }
    assert {"celeryconfig.py", "tasks/models.toml", "producer/__init__.py", "workers/__init__.py"} | scripts <= names
    tops = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert tops == {"tasks", "workers", "producer", "celeryconfig.py"}


def test_the_installation_is_light_and_its_command_answers(installed: Path, tmp_path: Path) -> None:
    packages = run(installed / "pip", "list", "--format=freeze", cwd=tmp_path).stdout.lower()
    assert "slotline==" in packages
    heavy = [line for line in packages.splitlines() if line.startswith(("torch", "onnx", "nvidia", "transformers"))]
    assert [line.split("==")[0] for line in heavy] in ([], ["nvidia-ml-py"]), "it only asks the driver, in plain Python"
    said = run(installed / "slotline", "--help", cwd=tmp_path, env=clean_environment(tmp_path)).stdout
    assert all(command in said for command in ("jobs", "read", "say", "slots", "up", "watch"))
    assert "cannot be loaded" not in said


@pytest.mark.parametrize("crowded", [False, True], ids=["an empty folder", "a folder with its own tasks and workers"])
def test_the_wheel_reads_a_chapter_from(crowded: bool, installed: Path, tmp_path: Path) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    if crowded:
        for package in ("tasks", "workers", "producer"):
            (folder / package).mkdir()
            (folder / package / "__init__.py").write_text("raise RuntimeError('the wrong package')\n")
        (folder / "celeryconfig.py").write_text("raise RuntimeError('the wrong settings')\n")
    book = tmp_path / "hens.txt"
    book.write_text(TEXT, encoding="utf-8")
    command: list[str | Path] = [installed / "slotline", "read", "--local", book, "-o", tmp_path / "out"]
    run(*command, cwd=folder, env=clean_environment(tmp_path / "data"))
    (audio,) = (tmp_path / "out").rglob("*.wav")
    assert audio.stat().st_size > 22_050
