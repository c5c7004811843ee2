"""Does the steps in order, and gives a line for each as it ends.

Guarantees: a fault of one step costs its own line; a step whose needs have failed says so, and all others still run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from workers.conformance.failure import CallFailed
from workers.conformance.side import Lost
from workers.conformance.step import Checking, LeftOut, Line, Mark, Step, Wrong
from workers.conformance.steps import computing, faults, leaving, loading, table

HINTS = {
    "ModuleNotFoundError": "install it, and let check_packages say the command",
    "FileNotFoundError": "check `path`; check_files can say what is missing",
}
"""What to do about errors of Python, by their class."""


def check(checking: Checking) -> Iterator[Line]:
    """A line for each step; some steps exist only when the model's inputs are known."""
    right: set[str] = set()
    yield from _do(checking, [*table.STEPS, *loading.STEPS], right)
    examples = computing.examples(checking) if loading.INPUTS in right else []
    yield from _do(checking, [*examples, *computing.STEPS, *faults.STEPS, *leaving.STEPS], right)


def _do(checking: Checking, steps: Sequence[Step], right: set[str]) -> Iterator[Line]:
    for step in steps:
        line = done(step, checking, right)
        if line.mark is Mark.RIGHT:
            right.add(step.name)
        yield line


def done(step: Step, checking: Checking, right: set[str]) -> Line:
    """The line of one step; `right` has the names of those that were right."""
    if missing := [name for name in step.needs if name not in right]:
        return Line(Mark.LEFT_OUT, step.name, f"needs «{missing[0]}»")
    try:
        return Line(Mark.RIGHT, step.name, step.run(checking))
    except LeftOut as exc:
        return Line(Mark.LEFT_OUT, step.name, str(exc))
    except (Wrong, Lost) as exc:
        return Line(Mark.WRONG, step.name, str(exc))
    except CallFailed as exc:
        return Line(Mark.WRONG, step.name, words_of(exc))


def words_of(exc: CallFailed) -> str:
    """What is wrong, and what to do where it is known."""
    failure = exc.failure
    hint = HINTS.get(failure.kind, "")
    return f"{failure.by}: {failure.said}" + (f"; {hint}" if hint else "")
