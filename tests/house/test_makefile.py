"""The Makefile: its help names every target, and what it tries out leaves the files of the clone as they are."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def make(*words: str) -> str:
    """What `make` prints."""
    command = ["make", "--no-print-directory", "-C", str(ROOT), *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_help_names_every_target() -> None:
    found = re.search(r"^\.PHONY: (.+)$", MAKEFILE, re.M)
    assert found
    assert set(found[1].split()) - {"help"} == set(re.findall(r"^make ([a-z-]+)", make("help"), re.M))


def test_the_demo_of_a_neural_voice_writes_its_catalog_and_its_audio_beside_each_other(tmp_path: Path) -> None:
    steps = make("-n", "demo-kokoro", f"VENV={tmp_path}/venv", f"OUT={tmp_path}/out").splitlines()
    assert [step for step in steps if "model pull kokoro" in step]
    assert steps[-1].endswith(f"-o {tmp_path}/out/kokoro")
    # A pull adds a table to the catalog in use; that of the clone is under version control.
    assert "demo-kokoro: export SLOTLINE_MODELS = $(abspath $(OUT))/models.toml" in MAKEFILE
    assert "/out/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
