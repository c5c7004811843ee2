"""A normaliser that never mixes up texts, however many use it, and that never fails a text."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from workers.adapters.viettts.normaliser import Normaliser


def stand_in(folder: Path) -> Path:
    """A program that keeps vinorm's way: reads `input.txt` where it runs, and writes `output.txt`, slowly."""
    for data in ("Dict", "Mapping", "RegexRule", "lib"):
        (folder / data).mkdir(parents=True)
    program = folder / "main"
    program.write_text(
        "#!/bin/sh\ntest -e Dict/. || exit 3\nread -r text < input.txt\nsleep 0.05\n"
        'printf "%s|%s#line##line#" "$text" "$*" > output.txt\n'
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return folder


OF_PROCESS = """
import sys
from pathlib import Path
from workers.adapters.viettts.normaliser import Normaliser
for number in range(8):
    print(Normaliser(Path(sys.argv[1]))(f"text {number} of {sys.argv[2]}", lower=False))
"""


def test_texts_normalised_at_once_by_threads_and_processes_are_never_swapped(tmp_path: Path) -> None:
    folder = stand_in(tmp_path / "vinorm")
    before = set(os.listdir(folder))
    commands = [[sys.executable, "-c", OF_PROCESS, str(folder), name] for name in ("one", "two")]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for command in commands]
    try:
        normaliser = Normaliser(folder)
        with ThreadPoolExecutor(8) as threads:
            said = list(threads.map(lambda number: normaliser(f"text {number}", lower=False), range(24)))
        assert said == [f"text {number}|-unknown. " for number in range(24)]
        for process, name in zip(processes, ("one", "two"), strict=True):
            lines = process.communicate(timeout=60)[0].splitlines()
            assert lines == [f"text {number} of {name}|-unknown. " for number in range(8)]
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    assert set(os.listdir(folder)) == before


def test_a_normaliser_that_fails_leaves_the_numbers_in_words(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = stand_in(tmp_path / "vinorm")
    (folder / "main").write_text("#!/bin/sh\nexit 9\n")
    assert Normaliser(folder)("Năm 7", lower=False) == "Năm bảy"
    assert "vinorm failed on «Năm 7»" in caplog.text


def test_vinorm_itself_says_the_same_from_many_processes_as_alone() -> None:
    normaliser = Normaliser.found()
    if normaliser.name != "vinorm":
        pytest.skip("vinorm is not installed (free for non-commercial use only: docs/models.md)")
    texts = [f"Năm {number} có 2.500.000 người." for number in range(1900, 1916)]
    alone = [normaliser(text, lower=False) for text in texts]
    assert alone[0].startswith("Năm một nghìn chín trăm có hai triệu năm trăm nghìn người")
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(lambda text: normaliser(text, lower=False), texts)) == alone
