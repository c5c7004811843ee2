"""The commands for repair: `slotline failed`, `retry`, `prune`. `tasks/flow` does their work."""

from __future__ import annotations

import time

import click

from producer.client import Client
from tasks.errors import InvalidInput
from tasks.flow import repair
from tasks.flow.prune import prune as prune_store
from tasks.settings import settings
from tasks.store.artifacts import store
from tasks.terminal.printable import counted, one_line

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
    click.echo(f"{sent} sent again" + (f"; follow it: slotline watch {one_line(followed)}" if followed else ""))
    return 0


def _job_of(client: Client, what: str) -> str | None:
    """The recorded job that is, or whose part is, what was sent again; None for a message that was set aside."""
    candidates = (what, what.rpartition(".")[0])
    return next((one for one in candidates if one and client.ledger.queries.record(one) is not None), None)


@click.command()
@click.option("--older-than", "days", type=click.FloatRange(min=0), help="Days; default: SLOTLINE_STORE_TTL_S.")
@click.option("--dry-run", is_flag=True, help="Only print what would be removed.")
def prune(days: float | None, dry_run: bool) -> int:
    """Remove old artifacts that no open job needs from the store."""
    client = Client()
    client.check()
    client.check_store("nothing was removed")
    older_than_s = settings().store_ttl_s if days is None else days * DAY_S
    with client.connection.speaking():
        done = prune_store(store(), client.ledger, older_than_s, time.time(), dry_run)
    would = "would be removed" if dry_run else "removed"
    what = f"{counted(done.files, 'file')}, {done.bytes / 1e6:.1f} MB"
    click.echo(f"{what} {would} from {store().place}; {done.kept} old ones are needed by open jobs")
    return 0
