"""What is said of an adapter before anything is loaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.workers.conformance.checked import apart, check_faults, entry_of, here, lines_of, wrong
from workers.conformance.step import Checking, Wrong
from workers.conformance.steps.table import import_is_light, size_of

FAULTS: dict[str, dict[str, str | None]] = {
    "Nameless": {"table and options": "no `version`"},
    "OfNoCraft": {"table and options": "there is no craft 'weaving'"},
    "WithoutCraft": {"import": "it has no `craft`", "table and options": "it has no `craft`"},
    "WithoutPackage": {"packages": "pip install nosuchpackage", "load": "No module named 'nosuchpackage' (broken.py"},
}


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("adapter", FAULTS)
def test_each_fault_of_a_table_has_its_line(adapter: str) -> None:
    check_faults(adapter, FAULTS[adapter])


@pytest.mark.usefixtures("installed")
def test_an_option_that_there_is_not_is_named_and_what_needs_the_table_is_left_out() -> None:
    entry = entry_of("Right", colour="red")
    lines = lines_of(here(entry), entry)
    assert list(wrong(lines)) == ["table and options"]
    assert "colour" in wrong(lines)["table and options"]
    assert lines["load"].words == "needs «table and options»"


def test_an_adapter_that_there_is_not_is_named() -> None:
    entry = entry_of("espeek")
    assert "did you mean 'espeak'?" in wrong(lines_of(here(entry), entry))["import"]


def test_a_heavy_import_at_module_level_is_named(installed: Path) -> None:
    (installed / "torch.py").write_text("")
    (installed / "heavy.py").write_text(
        "import torch\nfrom tests.unit.workers.conformance.broken import Right\nclass Heavy(Right):\n    'Heavy.'\n"
    )
    with (installed / "tried-1.0.dist-info" / "entry_points.txt").open("a") as file:
        file.write("Heavy = heavy:Heavy\n")
    slot, _ = apart(entry_of("Heavy"))
    try:
        with pytest.raises(Wrong, match="heavy:Heavy imports torch when it is imported; import that inside load"):
            import_is_light(Checking(entry_of("Heavy"), slot))
    finally:
        slot.end()


def test_the_size_of_a_file_and_of_a_folder_is_that_of_all_in_it(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"123")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "c").write_bytes(b"45")
    assert size_of(tmp_path / "a") == 3
    assert size_of(tmp_path) == 5
