"""Good inputs: each alone, the same one twice, and all in batches."""

from __future__ import annotations

import functools
import time

from tasks.terminal.printable import counted
from workers.conformance.compare import difference
from workers.conformance.example import Example
from workers.conformance.looks import Output
from workers.conformance.step import Checking, LeftOut, Step, Wrong
from workers.conformance.steps.loading import INPUTS

TWICE = "same input twice"
UNCHANGED = "input stays as it is"
BATCH = "batch = singles"
SEED = "if the model draws at random, seed it in `run`, or pass --tolerance"


def examples(checking: Checking) -> list[Step]:
    """A step for each good input."""
    steps = [functools.partial(example, number) for number in range(len(checking.inputs.good))]
    return [Step(f"example {number}", run, (INPUTS,)) for number, run in enumerate(steps, 1)]


def example(number: int, checking: Checking) -> str:
    """One input becomes an artifact."""
    given = checking.inputs.good[number]
    began = time.monotonic()
    output = checking.slot.compute(given)
    checking.outputs[number] = output
    size = "" if output.nan else f", {output.size_bytes:,} bytes"
    return f"{given.title}: {time.monotonic() - began:.2f} s{size}"


def twice(checking: Checking) -> str:
    """The same input gives the same output, so that an artifact's name stands for one content."""
    _, given, output = checking.computed()[0]
    if found := differ(checking, output, checking.slot.compute(given)):
        raise Wrong(f"{given.title} gave two outputs: {found}; {SEED}")
    return f"{given.title} gave the same output"


def unchanged(checking: Checking) -> str:
    """`run` leaves its inputs as they are: they run again in halves when memory runs out."""
    _, given, _ = checking.computed()[0]
    first, second = checking.slot.run_twice([checking.slot.prepare(given)])
    (one,), (other,) = first.outcomes, second.outcomes
    if found := differ(checking, checking.slot.finish(given, one), checking.slot.finish(given, other)):
        raise Wrong(f"run changed its input {given.title}: the next run on it gave {found}; let it work on a copy")
    return "run on the same objects again it gave the same output"


def batch(checking: Checking) -> str:
    """Each input gives in a batch what it gives alone."""
    computed = checking.computed()
    if len(computed) == 1:
        computed = computed * 3
    given = [one for _, one, _ in computed]
    groups = [group for group in checking.slot.groups(given) if len(group) > 1]
    if not groups:
        raise LeftOut("no two examples have the same `group`, so none run together")
    for group in groups:
        outputs = run_together(checking, [given[index] for index in group])
        for index, output in zip(group, outputs, strict=True):
            number, one, alone = computed[index]
            if found := differ(checking, alone, output):
                raise Wrong(f"example {number + 1}, {one.title}, gave another output in a batch: {found}")
    return f"{counted(sum(map(len, groups)), 'input')} in {counted(len(groups), 'batch', 'batches')}"


def run_together(checking: Checking, given: list[Example]) -> list[Output]:
    """The outputs of inputs that run in one batch."""
    ran = checking.slot.run([checking.slot.prepare(one) for one in given])
    return [checking.slot.finish(one, outcome) for one, outcome in zip(given, ran.outcomes, strict=True)]


def differ(checking: Checking, one: Output, other: Output) -> str:
    """How two outputs of the same input differ, in words; empty: they do not."""
    return difference(one.seen, other.seen, checking.tolerance or 0.0)


STEPS = (
    Step(TWICE, twice, (INPUTS,)),
    Step(UNCHANGED, unchanged, (INPUTS, TWICE)),
    Step(BATCH, batch, (INPUTS,)),
)
