"""A slot's batches, without a worker around them."""

from __future__ import annotations

import subprocess
import sys

from tests.conftest import ROOT

FIRST_USED = "numpy", "fsspec", "fsspec.implementations.local"


def test_warming_up_leaves_nothing_for_the_first_batch_to_import(own_environment: None) -> None:
    program = (
        "import sys; from workers import batch; "
        f"before = [name in sys.modules for name in {FIRST_USED}]; "
        "batch.warm_up(); "
        f"print(before, [name in sys.modules for name in {FIRST_USED}])"
    )
    said = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stdout.split("] [")[0] == "[False, False, False"
    assert said.stdout.strip().endswith("[True, True, True]")
