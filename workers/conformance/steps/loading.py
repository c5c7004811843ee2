"""The load, the instance beside it, the warm-up, and what to check with."""

from __future__ import annotations

from workers.conformance.computes import Loaded
from workers.conformance.step import Checking, LeftOut, Step, Wrong, megabytes
from workers.conformance.steps.table import TABLE

LOAD = "load"
ATTACH = "attach"
WARM_UP = "warm-up"
INPUTS = "examples"


def load(checking: Checking) -> str:
    """The model is loaded, and offers what a slot needs."""
    checking.loaded = loaded = checking.slot.load()
    return f"{loaded.seconds:.1f} s, {taken(loaded)}, revision {loaded.revision}"


def taken(loaded: Loaded) -> str:
    """The memory that a load took, with what it imported."""
    host = megabytes(max(0, loaded.after.host_bytes - loaded.before.host_bytes))
    if loaded.after.gpu_bytes is None:
        return host
    return f"{megabytes(loaded.after.gpu_bytes - (loaded.before.gpu_bytes or 0))} of the GPU, {host} of the host"


def attach(checking: Checking) -> str:
    """The instance that looks at inputs takes what the loaded one offers, in another process."""
    assert checking.loaded is not None
    checking.slot.attach(checking.loaded.offer)
    return "the instance without the model knows what is offered"


def warm_up(checking: Checking) -> str:
    """A first run works."""
    return f"{checking.slot.warm_up():.2f} s"


def inputs(checking: Checking) -> str:
    """What the adapter is checked with."""
    checking.inputs = found = checking.slot.inputs()
    if checking.tolerance is None:
        checking.tolerance = checking.slot.tolerance()
    if not found.good:
        assert checking.table is not None
        if found.lacking:
            raise Wrong(found.lacking)
        raise LeftOut(f"the craft {checking.table.craft!r} names none: nothing is computed here")
    return f"{len(found.good)} to be computed, {len(found.unusual)} unusual ones, {len(found.refused)} to be refused"


STEPS = (
    Step(LOAD, load, (TABLE,)),
    Step(ATTACH, attach, (LOAD,)),
    Step(WARM_UP, warm_up, (LOAD,)),
    Step(INPUTS, inputs, (ATTACH,)),
)
