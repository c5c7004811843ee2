"""What Kokoro's engines keep in memory, each in a process of its own: bounded over many lengths, and given back.

The real ONNX model and, for torch, a small one whose decoder is as large as the real one's where it runs
(`benchmarks/kokoro_memory.py` measures a slot at length).
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[5]
KEPT = "tests.unit.workers.adapters.kokoro.kept"

pytestmark = pytest.mark.usefixtures("model_packages")


@pytest.mark.parametrize(
    ("engine", "fixture", "longest"), [("onnx", "kokoro_folder", "4"), ("torch", "tiny_kokoro_torch_folder", "12")]
)
def test_memory_is_bounded_over_many_lengths_and_an_unload_gives_back_what_the_load_took(
    request: pytest.FixtureRequest, engine: str, fixture: str, longest: str
) -> None:
    folder: Path = request.getfixturevalue(fixture)
    command = [sys.executable, "-W", "ignore", "-m", KEPT, str(folder), engine, "12", longest]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=170)
    assert done.returncode == 0, done.stderr
    kept = json.loads(done.stdout)
    assert kept["growth"] < 0.1
    assert kept["given_back"] >= 0.95
