"""`slotline model status` for people: one table of slots, and one of the small models of each that holds many."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Any

import click
from rich.console import Console
from rich.table import Table

MIB = 1024 * 1024
PIPE_WIDTH = 240
"""Into a file or a pipe a line of the table stays a line."""


def show(answers: Mapping[str, Mapping[str, Any]]) -> None:
    """Print what the workers answered, those last that did not."""
    told = {worker: answer for worker, answer in answers.items() if "error" not in answer}
    if told:
        _print(
            (
                "slot",
                "model",
                "device",
                "state",
                "for",
                "memory",
                "load",
                "jobs",
                "failed",
                "batches",
                "fits",
                "idle",
                "time-out",
                "voices",
            ),
            [_cells(answer) for answer in told.values()],
        )
    for answer in told.values():
        if registry := answer.get("registry"):
            _show_registry(str(answer["slot"]), registry)
    for worker, answer in answers.items():
        if "error" in answer:
            click.echo(f"{worker.partition('@')[0]}: {answer['error']}", err=True)


def _cells(answer: Mapping[str, Any]) -> list[str]:
    silent = "" if answer.get("answers") else " (its process does not answer)"
    load_s = answer.get("load_s")
    voices, languages = answer.get("voices") or [], answer.get("languages") or []
    spoken = f"{len(voices)}" + (
        f" ({', '.join(languages[:4])}{' …' if len(languages) > 4 else ''})" if languages else ""
    )
    return [
        str(answer["slot"]),
        str(answer["model"]),
        str(answer["device"]),
        f"{answer['state']}{silent}",
        _since(answer.get("since")),
        f"{_mib(answer.get('allocated_bytes'))} / {_mib(answer.get('reserved_bytes'))}",
        "" if load_s is None else f"{load_s:.1f} s",
        str(answer.get("jobs", "")),
        str(answer.get("failures", "")),
        f"{answer.get('last_batch', '')} last, {answer.get('largest_batch', '')} largest of {answer['batch_size']}",
        str(answer.get("largest_fit") or ""),
        "" if answer.get("idle_s") is None else f"{answer['idle_s']:.0f} s",
        f"{answer['timeout_s']:g} s" if answer.get("timeout_s") else "never",
        spoken if voices else "",
    ]


def _show_registry(slot: str, told: Mapping[str, Any]) -> None:
    bound = f"at most {told['max_models']}" + (f" and {_mib(told['max_bytes'])}" if told["max_bytes"] else "")
    click.echo(
        f"\n{slot}: {len(told['models'])} models, {_mib(told['bytes'])} ({bound}, {told['policy']}); "
        f"{told['hits']} hits, {told['misses']} misses, {told['evictions']} evictions"
    )
    rows = [
        [
            str(one["id"]),
            str(one["state"]),
            str(one["uses"]),
            _since(one["last_used"]),
            f"{one['total_inference_ms']:g} ms",
            _mib(one["bytes"]),
            _since(one["loaded_at"]),
        ]
        for one in told["models"]
    ]
    if rows:
        _print(("id", "state", "uses", "last used", "computed", "memory", "loaded"), rows)


def _print(head: tuple[str, ...], rows: list[list[str]]) -> None:
    table = Table(box=None, pad_edge=False)
    for name in head:
        table.add_column(name, no_wrap=True)
    for row in rows:
        table.add_row(*row)
    Console(width=None if sys.stdout.isatty() else PIPE_WIDTH).print(table)


def _since(moment: float | None) -> str:
    return f"{max(0.0, time.time() - moment):.0f} s" if moment else ""


def _mib(size: int | None) -> str:
    return "" if size is None else f"{size / MIB:,.0f} MiB"
