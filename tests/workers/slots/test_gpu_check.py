"""`make gpu-check` on the fake driver's card, with a model that only takes memory; and where it cannot run."""

from __future__ import annotations

import sys

import pytest

from tests.conftest import LeftOver, Process, StartProcess
from tests.workers.slots.conftest import RTX_4090, Cards


def check(start_process: StartProcess, *arguments: str) -> Process:
    return start_process(sys.executable, "-m", "benchmarks.gpu_check", *arguments, name="gpu-check")


def test_without_a_gpu_it_refuses_in_one_line(cards: Cards, start_process: StartProcess) -> None:
    done = check(start_process)
    assert done.wait() == 1
    assert done.log() == "gpu-check: there is no GPU here (the driver shows no GPU); run it on a machine with one\n"


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_it_prints_every_figure(cards: Cards, start_process: StartProcess, left_over: LeftOver) -> None:
    cards.plug({**RTX_4090, "busy": 60})
    models = cards.folder / "bart.toml"
    models.write_text('[models.bart]\nadapter = "card"\ntakes_gb = 1.5\nmemory_gb = 2.0\n')
    wanted = ("--slots", "1", "2", "--jobs", "8", "--batch", "4", "--catalog", str(models))
    done = check(start_process, *wanted)
    assert done.wait(150) == 0, done.tail()
    told = {cells[0]: cells[1] for line in done.log().splitlines() if (cells := line.strip("| ").split(" | "))[1:]}
    for count in (1, 2):
        assert told[f"{count} slots: memory a slot"] == "1.50 planned, 1.50 used (+0.0%)"
        assert "texts/s, GPU busy" in told[f"{count} slots: batches off"]
        assert "texts/s, GPU busy" in told[f"{count} slots: 4 texts at once"]
    assert told["unload gives back"].startswith("100% of 1.50 GB")
    assert {"load, then load again", "child killed: memory back, ready again", "worker killed: memory back"} <= set(
        told
    )
