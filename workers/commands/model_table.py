"""`slotline model status` for people: one table of slots, and one for the models of each registry."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import click

from tasks.terminal.printable import counted, one_line
from tasks.terminal.table import print_table

MIB = 1024 * 1024

SLOTS = (
    "slot",
    "model",
    "device",
    "state",
    "for",
    "memory",
    "load",
    "jobs",
    "failed",
    "seconds",
    "batches",
    "fits",
    "recycled",
    "idle",
    "time-out",
    "voices",
)
LANGUAGES_CHARS = 28
"""Room for four tags such as `en-us`, or for nine letters."""

SMALL_MODELS = ("id", "state", "uses", "last used", "computed", "memory", "loaded", "load", "beside the model")


def show(answers: Mapping[str, Mapping[str, Any]]) -> None:
    """Print the workers' answers; after them the errors of those that refused or did not answer."""
    shown = {worker: answer for worker, answer in answers.items() if "error" not in answer}
    if shown:
        print_table(SLOTS, [_slot_cells(answer) for answer in shown.values()])
    for answer in shown.values():
        if registry := answer.get("registry"):
            _show_registry(str(answer["slot"]), registry)
    for worker, answer in answers.items():
        if "error" in answer:
            click.echo(one_line(f"{worker.partition('@')[0]}: {answer['error']}"), err=True)


def _slot_cells(answer: Mapping[str, Any]) -> list[str]:
    silent = "" if answer.get("answers") else " (its process does not answer)"
    paused = ", paused" if answer.get("paused") else ""
    load_s, idle_s, timeout_s = answer.get("load_s"), answer.get("idle_s"), answer.get("timeout_s")
    return [
        str(answer["slot"]),
        str(answer["model"]),
        str(answer["device"]),
        f"{answer['state']}{paused}{silent}",
        _since(answer.get("since")),
        f"{_mib(answer.get('allocated_bytes'))} / {_mib(answer.get('reserved_bytes'))}",
        "" if load_s is None else f"{load_s:.1f} s",
        str(answer.get("jobs", "")),
        str(answer.get("failures", "")),
        ", ".join(f"{seconds:.0f} {stage}" for stage, seconds in (answer.get("stages_s") or {}).items()),
        f"{answer.get('last_batch', '')} last, {answer.get('largest_batch', '')} largest of {answer['batch_size']}",
        str(answer.get("largest_fit") or ""),
        _recycled(answer),
        "" if idle_s is None else f"{idle_s:.0f} s",
        f"{timeout_s:g} s" if timeout_s else "never",
        _voices(answer),
    ]


def _recycled(answer: Mapping[str, Any]) -> str:
    """`2 (at 8 GB)`: how many processes were replaced for their memory, and the limit; empty without a limit."""
    limit_gb = answer.get("recycle_rss_gb")
    return "" if limit_gb is None else f"{answer.get('recycled', 0)} (at {limit_gb:g} GB)"


def _voices(answer: Mapping[str, Any]) -> str:
    """`3 (vi, en)`: how many, and what can be spoken now; of the languages as many as have room."""
    voices, languages = answer.get("voices") or [], _languages(answer)
    if not voices:
        return ""
    shown = ", ".join(languages)
    if len(shown) > LANGUAGES_CHARS:
        shown = shown[:LANGUAGES_CHARS].rpartition(",")[0] + " …"
    return f"{len(voices)}" + (f" ({shown})" if shown else "")


def _languages(answer: Mapping[str, Any]) -> list[str]:
    """What can be spoken; a worker of an older version only says the languages of its voices."""
    return answer.get("available_languages") or answer.get("languages") or []


def _show_registry(slot: str, registry: Mapping[str, Any]) -> None:
    limit = f"at most {registry['max_models']}" + (
        f" and {_mib(registry['max_bytes'])}" if registry["max_bytes"] else ""
    )
    click.echo(
        f"\n{slot}: {counted(len(registry['models']), 'model')}, {_mib(registry['bytes'])} "
        f"({limit}, {registry['policy']}); "
        f"{registry['hits']} hits, {registry['misses']} misses, {registry['evictions']} evictions"
    )
    if registry["models"]:
        print_table(SMALL_MODELS, [_small_model_cells(one) for one in registry["models"]])


def _small_model_cells(one: Mapping[str, Any]) -> list[str]:
    return [
        str(one["id"]),
        str(one["state"]),
        str(one["uses"]),
        _since(one["last_used"]),
        f"{one['total_inference_ms']:g} ms",
        _mib(one["bytes"]),
        _since(one["loaded_at"]),
        "" if one.get("load_s") is None else f"{one['load_s']:.1f} s",
        _stats(one),
    ]


def _stats(answer: Mapping[str, Any]) -> str:
    """`hits 120, misses 3`: what the adapter counts of its work beside the model."""
    counted = (answer.get("stats") or {}).items()
    return ", ".join(f"{name} {round(value, 3) if isinstance(value, float) else value}" for name, value in counted)


def _since(moment: float | None) -> str:
    return f"{max(0.0, time.time() - moment):.0f} s" if moment else ""


def _mib(size: int | None) -> str:
    return "" if size is None else f"{size / MIB:,.0f} MiB"
