"""The command `slotline summarize`: files in, a summary of each out, to the screen or to files.

Reads its options, asks for a job a file, follows them and prints; errors travel up as
`SlotlineError` and become one line in `tasks/command.py`. Started again it computes only
what is missing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from producer.client import Client
from producer.commands.local_stack import BorrowedStack
from producer.files import make_folder, safe_name, write_text
from producer.job import Job
from tasks.catalog import catalog
from tasks.errors import InvalidInput, SlotlineError
from tasks.exit_codes import FAILED, INTERRUPTED
from tasks.messages import Summarising, TextSummaryResult
from tasks.messages.lookup import known_craft
from tasks.messages.summary import SUMMARY

if TYPE_CHECKING:
    from rich.console import Console

LOOK_S = 2.0
"""How often it is looked whether a local stack still stands."""


@dataclass(frozen=True)
class Asked:
    """A file whose summary was asked for; `target` None means the screen."""

    path: Path
    title: str
    job: Job
    target: Path | None


@dataclass(frozen=True)
class Wish:
    """What is to be summarised: the whole text of a file, or the chapters that were chosen."""

    path: Path
    title: str
    text: str
    target: Path | None


@click.command()
@click.argument("sources", nargs=-1, required=True, metavar="FILE…", type=click.Path(path_type=Path))
@click.option("--local", is_flag=True, help="Bring Redis and workers along; they are stopped at the end.")
@click.option("--model", help="A model of the catalog that writes; may be left out where there is one such.")
@click.option("--max-length", type=int, help="Longest summary, in tokens of the model; as the model has it.")
@click.option("--min-length", type=int, help="Shortest summary, in tokens; as the model has it.")
@click.option("--chapters", help="Which of them, such as 1-3,5; of each file.")
@click.option("-o", "folder", type=click.Path(path_type=Path), help="Folder for the summaries; else they are printed.")
@click.option("--slots", default=1, show_default=True, type=click.IntRange(1, 256), help="With --local: how many.")
def summarize(
    sources: tuple[Path, ...],
    local: bool,
    model: str | None,
    max_length: int | None,
    min_length: int | None,
    chapters: str | None,
    folder: Path | None,
    slots: int,
) -> int:
    """Summarise text, Markdown or EPUB files of any length: one summary a file."""
    from rich.console import Console

    chosen = model or only_writer()
    request = Summarising.parse({"model": chosen, "max_length": max_length, "min_length": min_length})
    wishes = _wishes(sources, chapters, folder)
    stack = None
    if local:
        catalog()[chosen]
        stack = BorrowedStack(chosen, slots)
    client = Client()
    if stack is None:
        client.check()
    if folder:
        make_folder(folder)
    console = Console(stderr=True)
    asked: list[Asked] = []
    try:
        with stack or contextlib.nullcontext():
            if stack:
                console.print(stack.announcement, highlight=False)
                ready = stack.start()
                client = Client(ready.broker_url, ready.store_url)
            for wish in wishes:
                asked.append(_ask(client, wish, request))
            if not stack and not client.has_worker(chosen):
                command = f"celery -A workers worker --model {chosen}"
                console.print(f"no worker of {chosen} is ready yet; this waits for one ({command})", highlight=False)
            return max(_follow(one, console, stack) for one in asked)
    except KeyboardInterrupt:
        return _left(asked, is_local=stack is not None)


def only_writer() -> str:
    """The one model of the catalog that writes; raises `InvalidInput` that names `--model` where there is none."""
    crafts = {name: known_craft(entry, None) for name, entry in catalog().items()}
    found = [name for name, craft in crafts.items() if craft is SUMMARY]
    if len(found) == 1:
        return found[0]
    there = f"{', '.join(found)} write" if found else f"none of {catalog().source} is known to write"
    raise InvalidInput(f"--model: name the model that is to summarise; {there}")


def _wishes(paths: Sequence[Path], selection: str | None, folder: Path | None) -> list[Wish]:
    from producer.books.reader import read_book, select_chapters

    found: list[Wish] = []
    for path in paths:
        book = read_book(path)
        chosen = select_chapters(book, selection or None)
        text = "\n\n".join(chapter.text for _, chapter in chosen)
        title = book.title or path.stem
        name, number = safe_name(title, safe_name(path.stem)), 2
        target = folder / f"{name}.txt" if folder else None
        while target and folder and target in {one.target for one in found}:
            target, number = folder / f"{name} ({number}).txt", number + 1
        found.append(Wish(path, title, text, target))
    return found


def _ask(client: Client, wish: Wish, request: Summarising) -> Asked:
    job = client.submit_summary(wish.text, title=wish.title[:500], **request.fields())
    return Asked(wish.path, wish.title, job, wish.target)


def _follow(one: Asked, console: Console, stack: BorrowedStack | None) -> int:
    """Wait for one summary and give it out; what failed is a line, and the others go on."""
    from producer.display.job_bar import Watching

    try:
        with Watching(console, one.title) as watching:
            while True:
                with contextlib.suppress(TimeoutError):
                    made = one.job.wait(timeout_s=LOOK_S, on_progress=watching.update)
                    break
                if stack:
                    stack.check()
        assert isinstance(made, TextSummaryResult)
        _give(one, made)
    except SlotlineError as exc:
        if stack:
            stack.check()
        click.echo(f"slotline: {one.path}: {' '.join(str(exc).split())}", err=True)
        return FAILED
    return 0


def _give(one: Asked, made: TextSummaryResult) -> None:
    levels = f"{made.levels} level{'s' if made.levels > 1 else ''}"
    about = f"{one.title}: {made.parts} parts, {made.computed} computed, {levels}"
    if not made.is_complete:
        about += "; its summaries did not become fewer, so it is several"
    if made.is_cut:
        about += "; the model did not read all of it"
    if one.target:
        write_text(made.text, one.target)
        click.echo(f"{about} -> {one.target}")
    else:
        click.echo(about, err=True)
        click.echo(made.text)


def _left(asked: Sequence[Asked], is_local: bool) -> int:
    if is_local:
        click.echo("slotline: stopped; the same command goes on where it was", err=True)
    elif asked:
        watch = "; ".join(f"slotline watch {one.job.id}" for one in asked)
        click.echo(f"slotline: detached, it goes on; come back by the same command, or: {watch}", err=True)
    return INTERRUPTED
