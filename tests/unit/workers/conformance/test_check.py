"""The whole check on adapters that are wrong in one way each: that step says so in one line, and all others run."""

from __future__ import annotations

import pytest

from tests.unit.workers.conformance.checked import apart, entry_of, here, lines_of, wrong
from workers.conformance.check import done, words_of
from workers.conformance.failure import CallFailed, Failure
from workers.conformance.slot import Limits
from workers.conformance.step import Checking, LeftOut, Mark, Step, Wrong

ALL = (
    *("import", "table and options", "packages", "files", "load", "attach", "warm-up", "examples"),
    *("example 1", "example 2", "example 3", "same input twice", "input stays as it is", "batch = singles"),
    *("bad input", "bad input in a batch", "no NaN", "cancel", "unload", "reload", "memory"),
)


@pytest.mark.usefixtures("installed")
def test_an_adapter_that_is_right_passes_every_step() -> None:
    lines = lines_of(here(entry_of("Right")), entry_of("Right"))
    assert tuple(lines) == ALL
    assert not wrong(lines)
    assert [name for name, line in lines.items() if line.mark is Mark.LEFT_OUT] == ["files"]


@pytest.mark.usefixtures("installed")
def test_a_crash_costs_its_step_and_the_model_is_loaded_again_for_the_next() -> None:
    entry = entry_of("Crashes")
    slot, _ = apart(entry)
    try:
        lines = lines_of(slot, entry)
    finally:
        slot.end()
    assert list(wrong(lines)) == ["bad input in a batch"]
    assert "«😀»: the process died by SIGSEGV in run, at broken.py line " in wrong(lines)["bad input in a batch"]
    assert lines["cancel"].mark is Mark.RIGHT
    assert lines["memory"].mark is Mark.RIGHT


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("adapter", "step", "words"),
    [
        ("Exits", "load", "exit status 7 (os._exit?) in load; it printed last: licence expired"),
        ("Hangs", "warm-up", "warm_up did not end within 2 s, and was stopped, at broken.py line"),
    ],
)
def test_an_exit_and_a_hang_cost_their_step(adapter: str, step: str, words: str) -> None:
    entry = entry_of(adapter)
    slot, sides = apart(entry, Limits(2.0, 2.0, 2.0) if adapter == "Hangs" else Limits(60, 60, 60))
    try:
        lines = lines_of(slot, entry)
    finally:
        slot.end()
    assert list(wrong(lines)) == [step]
    assert words in wrong(lines)[step]
    assert not any(side.is_there for side in sides)


def test_what_a_step_raises_is_its_line() -> None:
    def raising(error: Exception) -> Step:
        def run(checking: Checking) -> str:
            raise error

        return Step("one", run, ("load",))

    nothing = Checking(entry_of("espeak"), here(entry_of("espeak")))
    assert done(raising(Wrong("bad")), nothing, set()).words == "needs «load»"
    assert done(raising(Wrong("bad")), nothing, {"load"}).mark is Mark.WRONG
    assert done(raising(LeftOut("none")), nothing, {"load"}).mark is Mark.LEFT_OUT
    failed = CallFailed(Failure("load", "FileNotFoundError", "no x.onnx", "a.py line 3"))
    assert done(raising(failed), nothing, {"load"}).words == words_of(failed)
    assert words_of(failed).startswith("load: FileNotFoundError: no x.onnx (a.py line 3); check `path`")
