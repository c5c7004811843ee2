"""Inputs at fault: what is refused, what costs itself alone; outputs that are no numbers; cancelling."""

from __future__ import annotations

from tasks.terminal.printable import counted, shortened
from workers.conformance.example import Example
from workers.conformance.failure import CallFailed, Failure
from workers.conformance.looks import Output
from workers.conformance.side import Lost
from workers.conformance.step import Checking, LeftOut, Step, Wrong
from workers.conformance.steps.computing import differ
from workers.conformance.steps.loading import INPUTS

BAD = "bad input"
ALONE = "bad input in a batch"
NUMBERS = "no NaN"
CANCEL = "cancel"
SHOWN = 80


def bad(checking: Checking) -> str:
    """Inputs that are wrong are refused in one line, before the model or by it."""
    if not checking.inputs.refused:
        raise LeftOut("there is none to try")
    said = [_refused(checking, given) for given in checking.inputs.refused]
    return f"{len(said)} refused, such as «{shortened(said[0], SHOWN)}»"


def _refused(checking: Checking, given: Example) -> str:
    """What its refusal says."""
    try:
        checking.slot.compute(given)
    except CallFailed as exc:
        failure = exc.failure
    else:
        raise Wrong(f"{given.title} was computed; raise InvalidInput for it in `check`, or name it in `input_model`")
    if not failure.is_slotlines:
        raise Wrong(f"{given.title}: {failure.by} raised {failure.said}; raise InvalidInput that names the field")
    if failure.lines > 1:
        raise Wrong(f"{given.title}: the error of {failure.by} has {failure.lines} lines; let it say all in one")
    return failure.words


def alone(checking: Checking) -> str:
    """What is unusual, computed or not, costs itself alone in a batch."""
    checking.smallest()
    if not checking.inputs.unusual:
        raise LeftOut("there is none to try")
    failed = sum(_costs_itself(checking, given) for given in checking.inputs.unusual)
    return f"{counted(len(checking.inputs.unusual), 'unusual input')} beside good ones, {failed} failed alone"


def _costs_itself(checking: Checking, given: Example) -> bool:
    """Whether that input failed."""
    try:
        prepared = checking.slot.prepare(given)
        good, before = _beside(checking, given)
        other = checking.slot.prepare(good)
    except CallFailed as exc:
        return _failed(given, exc.failure)
    try:
        ran = checking.slot.run([other, prepared, other])
    except CallFailed as exc:
        said = f"run raised {exc.failure.said}"
        raise Wrong(f"{given.title}: {said}, which fails its whole batch; return the error for this input") from None
    except Lost as exc:
        raise Wrong(f"{given.title}: {exc}") from None
    first, middle, last = ran.outcomes
    for outcome in (first, last):
        if before is not None and (found := differ(checking, before, checking.slot.finish(good, outcome))):
            raise Wrong(f"beside {given.title}, {good.title} gave another output: {found}")
    try:
        checking.unusual.append((given, checking.slot.finish(given, middle)))
    except CallFailed as exc:
        return _failed(given, exc.failure)
    return False


def _beside(checking: Checking, given: Example) -> tuple[Example, Output | None]:
    """A small good input that may run together with this one, and what became of it; else this one itself."""
    for _, good, output in sorted(checking.computed(), key=lambda one: one[2].size_bytes):
        if len(checking.slot.groups([given, good])) == 1:
            return good, output
    return given, None


def _failed(given: Example, failure: Failure) -> bool:
    """True; raises `Wrong` for an error of more than one line."""
    if failure.lines > 1 and failure.is_slotlines:
        raise Wrong(f"{given.title}: the error of {failure.by} has {failure.lines} lines; let it say all in one")
    return True


def numbers(checking: Checking) -> str:
    """No output has NaN or infinity."""
    outputs = [(given, output) for _, given, output in checking.computed()] + checking.unusual
    for given, output in outputs:
        if output.nan:
            raise Wrong(f"the output of {given.title} has {output.nan}; return an error for such an input")
    return f"in {counted(len(outputs), 'output')}"


def cancel(checking: Checking) -> str:
    """Whether an input that is cancelled is noticed in a running batch."""
    given, output = checking.smallest()
    prepared = checking.slot.prepare(given)
    ran = checking.slot.run([prepared] * 3, cancelled=[1])
    first, unwanted, last = ran.outcomes
    for outcome in (first, last):
        if differ(checking, output, checking.slot.finish(given, outcome)):
            raise Wrong("beside a cancelled input another one gave another output")
    if isinstance(unwanted, Failure) and unwanted.is_cancelled:
        return "noticed, and the others of the batch were computed"
    if not ran.has_asked:
        raise LeftOut("run never asks `is_cancelled`: to stop a cancelled batch its process is killed")
    return "run asked, and computed the input all the same"


STEPS = (
    Step(BAD, bad, (INPUTS,)),
    Step(ALONE, alone, (INPUTS,)),
    Step(NUMBERS, numbers, (INPUTS,)),
    Step(CANCEL, cancel, (INPUTS,)),
)
