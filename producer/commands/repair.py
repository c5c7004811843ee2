"""The commands for repair: `slotline failed`, `retry`, `prune`. `tasks/flow` and `tasks/retention` do their work."""

from __future__ import annotations

import time
from dataclasses import replace

import click

from producer.client import Client
from producer.display.durations import duration
from tasks.errors import InvalidInput, StoreError
from tasks.flow import repair
from tasks.retention import state
from tasks.retention.retention import GB, Retention, limits_of
from tasks.retention.round import Limits
from tasks.settings import settings
from tasks.terminal.printable import as_argument, counted

DAY_S = 86400.0


@click.command()
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 100_000), help="How many at most.")
@click.option("--traceback", "with_traceback", is_flag=True, help="Also print tracebacks.")
def failed(limit: int, with_traceback: bool) -> int:
    """List what failed for good, with the reason; `slotline retry` tries it again."""
    from producer.display.table import print_failures

    client = Client()
    client.check()
    with client.connection.speaking():
        found = repair.failures(client.ledger, limit)
        dropped = client.ledger.set_asides.dropped()
    if dropped:
        click.echo(f"{counted(dropped, 'older message')} that had been set aside gave way to newer ones", err=True)
    if not found:
        click.echo("nothing has failed")
        return 0
    print_failures(found, time.time(), with_traceback)
    return 0


@click.command()
@click.argument("what", metavar="ID", required=False)
@click.option("--all", "everything", is_flag=True, help="Everything that `slotline failed` lists.")
def retry(what: str | None, everything: bool) -> int:
    """Try again what failed: a job, one part (JOB.PART), or a message that was set aside."""
    if (what is None) == (not everything):
        raise InvalidInput("ID: give what is to be tried again, or --all")
    client = Client()
    client.check()
    client.check_store("nothing was sent")
    with client.connection.speaking():
        sent = repair.retry_all(client.ledger) if what is None else repair.retry(client.ledger, what)
        followed = _job_of(client, what) if what and sent else None
    click.echo(f"{sent} sent again" + (f"; follow it: slotline watch {as_argument(followed)}" if followed else ""))
    return 0


def _job_of(client: Client, what: str) -> str | None:
    """The recorded job that is, or whose part is, what was sent again; None for a message that was set aside."""
    candidates = (what, what.rpartition(".")[0])
    return next((one for one in candidates if one and client.ledger.queries.record(one) is not None), None)


@click.command()
@click.option("--older-than", "days", type=click.FloatRange(min=0), help="Days unused; default: SLOTLINE_STORE_TTL_S.")
@click.option("--max-gb", type=click.FloatRange(min=0), help="Keep so much, the latest used; SLOTLINE_STORE_MAX_GB.")
@click.option("--dry-run", is_flag=True, help="Only print what would be removed.")
def prune(days: float | None, max_gb: float | None, dry_run: bool) -> int:
    """Remove artifacts that nobody has used for long and no open job needs; a flow worker does it by itself, too."""
    client = Client()
    client.check()
    client.check_store("nothing was removed")
    limits = _limits(days, max_gb)
    with client.connection.speaking():
        done, fault = Retention(client.store, client.ledger, limits, dry_run).whole(time.time())
        last = state.load(client.connection.redis).last
    would = "would be removed" if dry_run else "removed"
    click.echo(
        f"{_size(done.removed, done.removed_bytes)} {would} from {client.store.place}; "
        f"{done.needed} old ones are needed by open jobs; {_size(done.left, done.left_bytes)} stay"
    )
    if last and dry_run:
        ago = duration(time.time() - last.at_s)
        click.echo(f"a flow worker removed {_size(last.removed, last.removed_bytes)} in its last round, {ago} ago")
    if fault:
        raise StoreError(fault)
    return 0


def _limits(days: float | None, max_gb: float | None) -> Limits:
    """The limits of the settings, or those that are given. What a person says counts for fresh artifacts, too."""
    limits = limits_of(settings())
    if days is not None:
        limits = replace(limits, ttl_s=days * DAY_S, fresh_s=min(limits.fresh_s, days * DAY_S))
    if max_gb is not None:
        limits = replace(limits, max_bytes=int(max_gb * GB))
    return limits


def _size(artifacts: int, size_bytes: int) -> str:
    return f"{counted(artifacts, 'artifact')}, {size_bytes / 1e6:.1f} MB"
