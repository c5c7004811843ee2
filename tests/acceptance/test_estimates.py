"""When jobs will end is said while a mixed load runs, and compared with when they did.

Jobs of different lengths and priorities share two slots: chapters, a book, many inputs, single texts. A slot sleeps for
the time of a text, so that the load of the machine matters little.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Iterator, Sequence

import pytest

from producer import Client, Job
from tasks.estimates.estimate import Estimate
from tasks.messages import MapRequest
from tests.fixtures.commands import Slotline
from tests.fixtures.environment import UseCatalog
from tests.fixtures.waiting import WaitUntil
from tests.fixtures.workers import StartFlow, StartSlot

MODEL = "measured"
CATALOG = f'[models.{MODEL}]\nadapter = "rehearsal"\nseconds = 0.05\nseconds_per_char = 0.0015\n'

EVERY_S = 0.5
LEAST_S = 1.0
"""Who has less time left than this gets no answer that a person could use: it is over when it is read."""

numbers = itertools.count()


def text(*lengths: int) -> str:
    """Paragraphs of these lengths; no two are the same."""
    return "\n\n".join(f"{next(numbers):05} ".ljust(length, "m") for length in lengths)


def lengths(count: int) -> Iterator[int]:
    """From short to long and back."""
    return itertools.islice(itertools.cycle([40, 120, 200, 80, 160]), count)


def submitted(client: Client) -> list[Job]:
    """The mixed load: some twenty seconds of one slot."""
    jobs: list[Job] = [client.submit_chapter(text(*lengths(30)), model=MODEL)]
    jobs.append(client.submit_chapter(text(*lengths(8)), model=MODEL))
    inputs = [{"text": text(length)} for length in (240, 60, 60, 240, 60, 240)]
    jobs.append(client.submit(MapRequest(model=MODEL, inputs=inputs)))
    jobs.append(client.submit_book([{"title": "", "text": text(*lengths(count))} for count in (10, 5, 8)], model=MODEL))
    for length in (120, 60, 180, 240):
        client.submit_paragraph(text(length), model=MODEL)
    jobs.append(client.submit_chapter(text(*lengths(15)), model=MODEL))
    return jobs


class Looks:
    """Estimates of these jobs, made twice a second until all have ended."""

    def __init__(self, client: Client, job_ids: Sequence[str]) -> None:
        self._client = client
        self._job_ids = job_ids
        self._said: list[Estimate] = []
        self._looked_s = 0.0

    def have_all_ended(self) -> bool:
        """Look again, if the last look is long enough ago."""
        if time.monotonic() - self._looked_s < EVERY_S:
            return False
        self._looked_s = time.monotonic()
        found = self._client.estimates(self._job_ids)
        self._said += found.values()
        return not found

    def errors(self) -> list[float]:
        """How far each was off, as a part of the time that was left indeed."""
        ended_at = {record.job_id: record.ended for record in self._client.jobs()}
        found = []
        for one in self._said:
            assert one.seconds_left is not None, one
            assert one.ends_at is not None
            left_s = ended_at[one.job_id] - (one.ends_at - one.seconds_left)
            if left_s >= LEAST_S:
                found.append(abs(one.seconds_left - left_s) / left_s)
        return found


@pytest.mark.timeout(120)
def test_over_a_mixed_load_the_median_error_is_within_a_quarter(
    client: Client,
    use_catalog: UseCatalog,
    start_flow: StartFlow,
    start_slot: StartSlot,
    wait_until: WaitUntil,
    slotline: Slotline,
) -> None:
    use_catalog(CATALOG)
    start_flow()
    start_slot(MODEL, name="one")
    start_slot(MODEL, name="two")
    first = client.submit_chapter(text(*lengths(10)), model=MODEL)
    assert client.estimate(first).seconds_left is None
    assert client.estimate(first).why == f"not known yet: no part of {MODEL} was measured so far"
    first.wait(timeout_s=30)

    jobs = submitted(client)
    assert " left " in slotline("jobs").out
    looks = Looks(client, [job.id for job in jobs])
    wait_until(looks.have_all_ended, 60, "all jobs have ended")
    errors = looks.errors()
    assert len(errors) > 20
    assert statistics.median(errors) <= 0.25, sorted(errors)
