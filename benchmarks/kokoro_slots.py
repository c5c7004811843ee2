"""Slots of Kokoro for benchmarks: the model's folder, its table, real workers that are ready. Measures nothing."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from subprocess import Popen
from types import MappingProxyType

from benchmarks.rig import Rig, wait_for
from tasks.settings import data_home
from workers.slots.holders import holders

MODEL = "kokoro"
WORKER = ("celery", "-A", "workers", "worker")


def pulled_model() -> Path:
    """The model that `slotline model pull kokoro` made for this user, or else for this environment's tests."""
    places = [data_home() / "models" / MODEL, Path(sys.prefix) / "share" / "slotline" / "models" / MODEL]
    for place in places:
        if list(place.glob("*.onnx")):
            return place
    raise SystemExit(f"no model in {' or '.join(map(str, places))}; run: slotline model pull kokoro")


def write_catalog(bench: Rig, folder: Path, **options: str | float) -> None:
    """Make the rig's catalog hold that model."""
    table_of = {"adapter": "kokoro", "path": str(folder.resolve()), **options}
    lines = [f"[models.{MODEL}]", *(f"{key} = {json.dumps(value)}" for key, value in table_of.items())]
    (bench.folder / "models.toml").write_text("\n".join(lines) + "\n")


@contextlib.contextmanager
def running(
    bench: Rig, slots: int, *options: str, changes: Mapping[str, str] = MappingProxyType({})
) -> Iterator[list[Popen[bytes]]]:
    """The workers of so many slots, and one flow worker behind them, ready, until the block ends.

    `options` are of the slots' command, `changes` of every worker's environment.
    """
    changes = {"SLOTLINE_CPU_SLOTS": str(slots), **changes}
    command = (*WORKER, "--model", MODEL, *options)
    with ExitStack() as stack:
        workers = [stack.enter_context(bench.process(*command, changes=changes)) for _ in range(slots)]
        workers.append(stack.enter_context(bench.process(*WORKER, "-Q", "flow", "-c", "1", changes=changes)))

        def are_ready() -> bool:
            if any(one.poll() is not None for one in workers):
                raise RuntimeError(f"a worker ended: {bench.last_words()}")
            return sum(one.ready for one in holders(bench.client)) == len(workers)

        wait_for(are_ready, "the workers to be ready", every_s=0.1)
        yield workers
