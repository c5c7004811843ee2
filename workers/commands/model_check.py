"""The command `slotline model check`: a model's adapter is tried as a slot uses it, a line for each step.

Needs no Redis and no worker. Exit status: 0 when nothing is wrong, 1 when a step failed, 2 for bad input.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from tasks.catalog import ModelEntry, catalog
from tasks.errors import CatalogError, InvalidInput, SettingsError
from tasks.exit_codes import DONE, FAILED
from tasks.settings import settings
from tasks.terminal import interrupt
from tasks.terminal.interrupt import Interrupt
from tasks.terminal.printable import counted, one_line

if TYPE_CHECKING:
    from workers.conformance.slot import Slot
    from workers.conformance.step import Line


@click.command()
@click.argument("name", metavar="NAME")
@click.option(
    "--device",
    type=click.Choice(["cpu", "cuda"]),
    help="Where it runs; by default where a slot of this machine would run it.",
)
@click.option("--variant", metavar="NAME", help="Which model of a registry; by default its default, or the first.")
@click.option(
    "--time-limit",
    type=click.FloatRange(min=0.1),
    metavar="SECONDS",
    help="For one load or one run; by default the table's load_limit_s and time_limit_s.",
)
@click.option(
    "--tolerance",
    type=click.FloatRange(min=0.0, max=1.0),
    metavar="SHARE",
    help="How far numbers of two outputs of the same input may differ; by default what the craft says.",
)
@click.option("--verbose", "-v", is_flag=True, help="Show on stderr what the adapter prints, and the traces of errors.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def check(
    name: str,
    device: str | None,
    variant: str | None,
    time_limit: float | None,
    tolerance: float | None,
    verbose: bool,
    as_json: bool,
) -> int:
    """Try the adapter of the model NAME: load, warm-up, examples, batches, bad input, unload, reload."""
    from workers.conformance.check import check as check_all
    from workers.conformance.step import Checking, Mark

    entry = one_of(catalog()[name], variant)
    lines: list[Line] = []
    with Interrupt(), _slot(entry, device, time_limit, verbose) as slot:
        for line in check_all(Checking(entry, slot, tolerance)):
            lines.append(line)
            if not as_json:
                click.echo(one_line(f"{line.mark} {line.name}: {line.words}"))
    wrong = sum(line.mark is Mark.WRONG for line in lines)
    if as_json:
        click.echo(json.dumps({"model": name, "ok": not wrong, "steps": _fields(lines)}, ensure_ascii=False))
    else:
        click.echo(one_line(summary(name, lines)))
    return FAILED if wrong else DONE


def one_of(entry: ModelEntry, variant: str | None) -> ModelEntry:
    """The table to check: of a registry that of one model; raises `InvalidInput` if there is none of that name."""
    if not entry.is_registry:
        if variant is not None:
            raise InvalidInput(f"--variant: {entry.name} is one model; only a registry has variants")
        return entry
    from workers.child.models.folder import ModelFolder, field_of

    folder = ModelFolder(entry, field_of(entry, "cpu"))
    chosen = variant or entry.voice or next(iter([*entry.preload, *folder.names()]), None)
    if chosen is None:
        raise InvalidInput(f"{entry.name}: there is no model in {folder.path}")
    if not folder.path.is_dir():
        raise InvalidInput(f"{entry.place} path: there is no folder {folder.path}")
    return folder.table(chosen)


def summary(name: str, lines: Sequence[Line]) -> str:
    """The last line of the report. Pure."""
    from workers.conformance.step import Mark

    counts = {mark: sum(line.mark is mark for line in lines) for mark in Mark}
    left_out = f", {counts[Mark.LEFT_OUT]} left out" if counts[Mark.LEFT_OUT] else ""
    if wrong := counts[Mark.WRONG]:
        return f"{name}: {counted(wrong, 'step')} failed, {counts[Mark.RIGHT]} passed{left_out}"
    return f"{name}: {counted(counts[Mark.RIGHT], 'step')} passed{left_out}"


@contextlib.contextmanager
def _slot(entry: ModelEntry, device: str | None, limit_s: float | None, shows: bool) -> Iterator[Slot]:
    """The two processes, not started yet; they end with the block."""
    from workers.conformance.process import Process
    from workers.conformance.slot import Limits, Slot

    chosen, visible = _device(entry, device)
    limits = Limits(
        load_s=limit_s or entry.load_limit_s,
        run_s=limit_s or entry.time_limit_s,
        stage_s=limit_s or settings().stage_limit_s,
    )
    computes = Process("computes", entry, chosen, visible, shows)
    looks = Process("looks", entry, "cpu", visible, shows)
    with interrupt.at_sudden_end(computes.kill), interrupt.at_sudden_end(looks.kill):
        try:
            yield Slot(computes, looks, limits)
        finally:
            computes.end()
            looks.end()


def _device(entry: ModelEntry, wanted: str | None) -> tuple[str, str]:
    """`cpu` or `cuda:0`, and the GPU's UUID; raises `SettingsError` without a GPU."""
    from workers.slots.gpu import CUDA, device_of, seen

    if wanted == "cpu":
        return "cpu", ""
    found = seen()
    if wanted is None:
        try:
            wanted = device_of(entry, settings(), lambda: found)
        except CatalogError:
            return "cpu", ""  # its own step says what is wrong
    if wanted == "cpu":
        return "cpu", ""
    if not found.gpus:
        raise SettingsError(f"--device cuda: there is no GPU ({found.reason})")
    return CUDA, found.gpus[0].uuid


def _fields(lines: Sequence[Line]) -> list[dict[str, str]]:
    return [{"step": line.name, "mark": line.mark.name.lower(), "words": line.words} for line in lines]
