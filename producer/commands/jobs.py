"""The commands for submitted jobs: `slotline jobs`, `watch`, `cancel`."""

from __future__ import annotations

import functools
import time
from collections import deque

import click

from producer.client import Client
from producer.display.steps import Steps
from producer.looks import looks
from tasks.errors import InvalidInput, SlotlineError
from tasks.exit_codes import BAD_INPUT, DONE
from tasks.messages import VideoRequest
from tasks.terminal import interrupt
from tasks.terminal.interrupt import Interrupt, status_of
from tasks.terminal.printable import as_argument, one_line

RECORDS_A_ROW = 50


@click.command()
@click.option("--all", "show_all", is_flag=True, help="Also the chapters of books, which are jobs too.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 100_000), help="How many at most.")
def jobs(show_all: bool, limit: int) -> int:
    """List the recorded jobs, the latest first."""
    from producer.display.job_table import arranged, print_jobs

    client = Client()
    client.check()
    # The chapters of books are recorded too, so read more records than are shown: also for a book above its chapters.
    found = client.jobs(limit * RECORDS_A_ROW)
    shown = arranged([record for record in found if show_all or not record.parent_job])[:limit]
    if shown:
        left = client.estimates(record.job_id for record in shown if record.state != "ended")
        print_jobs(shown, time.time(), client.pauses(), left)
    else:
        click.echo("no jobs are recorded")
    with client.connection.speaking():
        delayed = client.ledger.delayed.waiting()
    if delayed:  # those with a countdown are recorded when they begin
        click.echo(delayed.words())
    return 0


@click.command()
@click.argument("job_id", metavar="ID")
def watch(job_id: str) -> int:
    """Follow one job until it ends; the exit status is 0 if it succeeds."""
    from rich.console import Console

    from producer.display.job_bar import JobBar, left_s

    client = Client()
    job = client.job(job_id)
    for line in _why_it_may_wait(client, job_id):
        click.echo(one_line(f"slotline: {line}"), err=True)
    console = Console(stderr=True)
    try:
        with Interrupt(), JobBar(console, job_id, functools.partial(left_s, client, job_id)) as bar:
            steps = Steps(bar, client.connection, job_id, job_id)
            on_look = steps.on_look if _is_film(client, job_id) else None
            deque(looks(client.connection, job_id, on_progress=steps.on_progress, on_look=on_look), maxlen=1)
            result = job.result()
    except KeyboardInterrupt as stopped:
        click.echo(f"slotline: detached; follow it: slotline watch {as_argument(job_id)}", err=True)
        return status_of(stopped)
    except SlotlineError as exc:
        if f"job {job_id}" in str(exc):
            raise
        raise type(exc)(f"job {job_id}: {exc}") from exc
    click.echo(f"{one_line(job_id)}: done, {result.words()}")
    return 0


def _is_film(client: Client, job_id: str) -> bool:
    with client.connection.speaking():
        record = interrupt.call(functools.partial(client.ledger.queries.record, job_id))
    return record is not None and record.kind == VideoRequest.kind


def _why_it_may_wait(client: Client, job_id: str) -> list[str]:
    """A line for each worker that an open job lacks. That its model is paused, and when it is resumed, the bar says."""
    with client.connection.speaking():
        record = client.ledger.queries.record(job_id)
    if record is None or record.state == "ended":
        return []
    return client.missing_workers(record.model)


@click.command()
@click.argument("job_ids", metavar="ID…", nargs=-1, required=True)
def cancel(job_ids: tuple[str, ...]) -> int:
    """Cancel jobs, parts of them, or single tasks. Finished audio is kept.

    A book's chapters are cancelled with it. Of a single task that waits nothing is known but its message: so an id of
    which nothing is known is cancelled too.
    """
    client = Client()
    client.check()
    status = DONE
    for job_id in job_ids:
        try:
            is_known = client.knows(job_id)
            done = client.cancel(job_id)
        except InvalidInput as exc:  # of several ids, each is tried
            click.echo(f"slotline: {one_line(str(exc))}", err=True)
            status = BAD_INPUT
            continue
        how = "cancelled" if is_known else "cancelled; nothing is known of it yet, so its message will be dropped"
        click.echo(f"{one_line(job_id)}: {how if done else 'had ended already'}")
    return status
