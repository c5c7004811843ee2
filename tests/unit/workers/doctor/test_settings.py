"""What is set, what is misspelt, and which stacks run here."""

from __future__ import annotations

from pathlib import Path

from tasks.stacks.running import StackFile
from tests.unit.workers.doctor.conftest import said
from workers.doctor.settings import of_stacks, of_variables


def test_what_is_set_is_named_and_a_misspelt_name_is_wrong() -> None:
    assert said(of_variables({"HOME": "/", "SLOTLINE_LEASE_S": "30", "MODEL_DEVICE": "cpu", "LOG_LEVEL": ""})) == [
        "✓ settings set here: MODEL_DEVICE, SLOTLINE_LEASE_S"
    ]
    assert said(of_variables({})) == ["✓ settings no variable is set: all have their defaults"]
    assert said(of_variables({"SLOTLINE_STORE": "/x"})) == [
        "✗ settings SLOTLINE_STORE is not a setting and has no effect; did you mean SLOTLINE_STORE_URL? → write its "
        "name as docs/settings.md has it, or unset it"
    ]


def test_a_stack_that_runs_here_is_named_without_its_password(own_run_folder: Path) -> None:
    assert said(of_stacks())[0].startswith("– stack none runs on this machine → `slotline up` starts one")
    file = StackFile.leave("redis://:secret@here:1/0", "/store", "/models.toml")
    (line,) = said(of_stacks())
    file.remove()
    assert line.startswith("✓ stack runs here since 2")
    assert line.endswith(": redis://…@here:1/0")


def test_a_run_folder_that_others_may_read_is_wrong(own_run_folder: Path) -> None:
    folder = own_run_folder / "slotline"
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    (line,) = said(of_stacks())
    assert line.startswith(f"✗ stack the folder {folder} is not this user's alone")
    assert f"chmod 700 {folder}" in line
