"""`slotline model check`: its lines, its status, Ctrl-C, and what it says of bad input."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.catalog import ModelEntry
from tasks.errors import InvalidInput
from tests.fixtures.commands import Slotline
from tests.fixtures.environment import UseCatalog
from workers.commands.model_check import one_of, summary
from workers.conformance.step import Line, Mark

CATALOG = """
[models.quick]
adapter = "rehearsal"
gives = "text"
seconds = 0.0
[models.slow]
adapter = "rehearsal"
load_seconds = 600
[models.wrong]
adapter = "rehearsal"
colour = "red"
[models.voices]
adapter = "rehearsal"
path = "voices/{id}"
seconds = 0.0
"""


def test_a_model_passes_and_each_step_is_a_line(slotline: Slotline, use_catalog: UseCatalog) -> None:
    use_catalog(CATALOG)
    said = slotline("model", "check", "quick")
    lines = said.out.splitlines()
    assert said.status == 0, said.out
    assert lines[0].startswith("✓ import: workers.adapters.rehearsal:Rehearsal, ")
    assert "✓ batch = singles: 2 inputs in 1 batch" in lines
    assert lines[-1] == "quick: 20 steps passed, 1 left out"


def test_json_has_every_step_and_a_fault_costs_status_1(slotline: Slotline, use_catalog: UseCatalog) -> None:
    use_catalog(CATALOG)
    said = slotline("model", "check", "wrong", "--json")
    found = json.loads(said.out)
    assert said.status == 1
    assert not found["ok"]
    marks = {one["step"]: one["mark"] for one in found["steps"]}
    assert marks["table and options"] == "wrong"
    assert marks["load"] == "left_out"


def test_one_model_of_a_registry_is_checked(slotline: Slotline, use_catalog: UseCatalog, tmp_path: Path) -> None:
    use_catalog(CATALOG)
    (tmp_path / "voices" / "anna").mkdir(parents=True)
    said = slotline("model", "check", "voices")
    assert said.status == 0, said.out
    assert f"✓ files: {tmp_path}/voices/anna" in said.out
    assert slotline("model", "check", "voices", "--variant", "bob").status == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("none",), "no model 'none'"),
        (("quick", "--variant", "a"), "--variant: quick is one model"),
        (("quick", "--device", "cuda"), "--device cuda: there is no GPU"),
        (("quick", "--time-limit", "0"), "--time-limit"),
    ],
)
def test_bad_input_is_one_line(
    slotline: Slotline, use_catalog: UseCatalog, arguments: tuple[str, ...], words: str
) -> None:
    use_catalog(CATALOG)
    said = slotline("model", "check", *arguments)
    assert said.status == 2
    assert words in said.err
    assert said.err.count("\n") == 1


def test_ctrl_c_ends_the_command_and_both_processes(use_catalog: UseCatalog) -> None:
    use_catalog(CATALOG)
    command = [sys.executable, "-m", "tasks.command", "model", "check", "slow"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            while not process.stdout.readline().startswith("– files".encode()):
                assert process.poll() is None
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            assert len(children) == 2
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 130
        finally:
            process.kill()
    for child in children:
        with pytest.raises(ProcessLookupError):
            os.kill(int(child), 0)


def test_without_a_folder_of_models_there_is_nothing_to_check(tmp_path: Path) -> None:
    entry = ModelEntry(name="faces", adapter="rehearsal", path=str(tmp_path / "{id}"))
    with pytest.raises(InvalidInput, match="there is no model in"):
        one_of(entry, None)


def test_the_last_line_counts() -> None:
    lines = [Line(Mark.RIGHT, "a", ""), Line(Mark.WRONG, "b", ""), Line(Mark.LEFT_OUT, "c", "")]
    assert summary("m", lines) == "m: 1 step failed, 1 passed, 1 left out"
    assert summary("m", lines[:1]) == "m: 1 step passed"
