"""`make gpu-check` on the fake driver's card, with a model that only takes memory; and where it cannot run."""

from __future__ import annotations

import sys

import pytest

from tests.fixtures.processes import LeftOver, Process, StartProcess
from tests.unit.workers.slots.conftest import RTX_4090, Cards


def check(start_process: StartProcess, *arguments: str) -> Process:
    return start_process(sys.executable, "-m", "benchmarks.gpu_check", *arguments, name="gpu-check")


def test_without_a_gpu_it_refuses_in_one_line(cards: Cards, start_process: StartProcess) -> None:
    done = check(start_process)
    assert done.wait() == 1
    assert done.log() == "gpu-check: there is no GPU here (the driver shows no GPU); run it on a machine with one\n"


def told(done: Process) -> dict[str, str]:
    """The table: figures by what they are of."""
    return {cells[0]: cells[1] for line in done.log().splitlines() if (cells := line.strip("| ").split(" | "))[1:]}


LIVES = {"load, then a job loads it again", "child killed: memory back, ready again", "worker killed: memory back"}


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_it_prints_every_figure(cards: Cards, start_process: StartProcess, left_over: LeftOver) -> None:
    cards.plug({**RTX_4090, "busy": 60})
    models = cards.folder / "bart.toml"
    models.write_text('[models.bart]\nadapter = "card"\ntakes_gb = 1.5\nmemory_gb = 2.0\nbatch_size = 64\n')
    wanted = ("--models", "bart", "--slots", "1", "2", "--jobs", "8", "--batch", "4", "--leave-gb", "0")
    done = check(start_process, *wanted, "--catalog", str(models))
    assert done.wait(280) == 0, done.tail()
    figures = told(done)
    for count in (1, 2):
        assert figures[f"{count} slots: memory a slot"] == "1.50 planned, 1.50 used (+0.0%)"
        assert "jobs/s, GPU busy" in figures[f"{count} slots: batches off"]
        assert "jobs/s, GPU busy" in figures[f"{count} slots: batches of 4"]
        assert "jobs/s, GPU busy" in figures[f"{count} slots: batches of 4, pipeline off"]
    assert figures["long texts in batches of 64: done"] == "128 of 128, memory never ran out"
    assert figures["unload gives back"].startswith("100% of what the load took (0.00 GB stay")
    assert set(figures) >= LIVES


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_dry_run_goes_through_every_step_with_a_real_model_on_the_cpu(
    cards: Cards, start_process: StartProcess, left_over: LeftOver
) -> None:
    done = check(start_process, "--dry-run", "--models", "bart", "--slots", "1", "--jobs", "8", "--batch", "4")
    assert done.wait(280) == 0, done.tail()
    figures = told(done)
    assert "jobs/s" in figures["1 slots: batches of 4"]
    assert figures["long texts in batches of 64: done"] == "128 of 128, memory never ran out"
    assert set(figures) >= LIVES
    assert "dry run on a CPU" in done.log()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_dry_run_goes_through_kokoros_slots_with_both_engines(
    cards: Cards, start_process: StartProcess, left_over: LeftOver
) -> None:
    done = check(start_process, "--dry-run", "--models", "kokoro", "--slots", "1", "--jobs", "8")
    assert done.wait(280) == 0, done.tail()
    figures = told(done)
    for engine in ("torch", "onnx"):
        assert "planned" in figures[f"Kokoro, {engine}, 1 slots: memory a slot, after them"]
        assert float(figures[f"Kokoro, {engine}, 1 slots: real-time factor"].split(",")[0]) > 0


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_dry_run_goes_through_the_slots_of_a_face_in_each_batch(
    cards: Cards, start_process: StartProcess, left_over: LeftOver
) -> None:
    done = check(start_process, "--dry-run", "--models", "lipsync", "--slots", "1", "--jobs", "8")
    assert done.wait(280) == 0, done.tail()
    figures = told(done)
    for batch in (1, 16, 25):
        assert float(figures[f"a face: the network alone, batches of {batch}"].split()[0]) > 0
        assert float(figures[f"a face, 1 slots, batches of {batch}"].split()[0]) > 0
        assert "planned" in figures[f"a face, 1 slots, batches of {batch}: memory a slot, after them"]
