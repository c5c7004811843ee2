"""Findings about the broker's workers: who lives, who is ill and why, which queues nobody reads. Asks no worker."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from tasks import __version__, health, pauses
from tasks.health import Standing, messages_wait
from tasks.redis import keys
from tasks.routing import FLOW_QUEUE, queue_of
from tasks.terminal.printable import counted
from workers.doctor.finding import Finding, fine, note, wrong

if TYPE_CHECKING:
    from redis import Redis

START_FLOW = "celery -A workers worker -Q flow"
UPGRADING = "end the upgrade: docs/upgrading.md"


def of_workers(client: Redis, models: Collection[str]) -> Iterator[Finding]:
    """A line for all healthy workers, one for each other, and one for each queue of slotline that waits in vain."""
    standings = health.read(client)
    paused = pauses.paused(client)
    yield from of_standings(standings)
    for pause in paused.values():
        waiting = health.waiting_in(client, queue_of(pause.model))
        yield note(
            "paused", f"{pause.words()}; waiting: {counted(waiting, 'message')}", f"slotline resume {pause.model}"
        )
    if aside := int(client.llen(keys.SET_ASIDE)):
        yield note("set aside", f"{counted(aside, 'message')} that could not be done", "`slotline failed` says why")
    queues = {queue: health.waiting_in(client, queue) for queue in (FLOW_QUEUE, *map(queue_of, models))}
    held = {queue_of(model) for model in paused}
    for queue, count in health.unattended(queues, standings).items():
        if queue not in held:
            start = START_FLOW if queue == FLOW_QUEUE else f"celery -A workers worker --model {queue}"
            yield wrong("queue", f"{messages_wait(count)} in the queue {queue!r}, and no worker reads it", start)


def of_standings(standings: Sequence[Standing], version: str = __version__) -> Iterator[Finding]:
    """The workers alone. Pure."""
    ill = [one for one in standings if one.why]
    well = [one for one in standings if not one.why]
    if not standings:
        yield note("workers", "none lives at this broker", "`slotline up`, or `celery -A workers worker --model NAME`")
    if well:
        yield fine("workers", f"{len(well)} healthy: {_by_model(well)}")
    for one in ill:
        beat = one.beat
        yield wrong("worker", f"{beat.worker}: {one.why}", f"look at its log: pid {beat.pid} on {beat.host}")
    if well and all(one.beat.model is not None for one in standings):
        yield note("workers", "none of flow: jobs of several parts (books, chapters, maps) would wait", START_FLOW)
    yield from _other_versions(standings, version)


def _other_versions(standings: Iterable[Standing], version: str) -> Iterator[Finding]:
    others: dict[str, list[str]] = {}
    for one in standings:
        if one.beat.version != version:
            others.setdefault(one.beat.version, []).append(one.beat.worker)
    for other, workers in others.items():
        runs = f"slotline {other}" if other else "an older slotline"
        yield note("workers", f"{', '.join(workers)}: {runs}, and this is {version}", UPGRADING)


def _by_model(standings: Iterable[Standing]) -> str:
    counts = Counter(one.beat.model or FLOW_QUEUE for one in standings)
    return ", ".join(f"{count} of {model}" for model, count in sorted(counts.items()))
