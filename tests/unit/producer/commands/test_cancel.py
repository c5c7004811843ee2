"""`slotline cancel` and `Client.cancel` as a producer sees them; for workers see `tests/faults/test_cancel.py`."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from producer import Client
from tasks.errors import JobCancelled, UnknownJob
from tests.fixtures.commands import Said

Slotline = Callable[..., Said]


@pytest.fixture
def client(broker: str, catalog_file: object) -> Client:
    return Client()


def test_the_command_says_what_it_did(client: Client, slotline: Slotline) -> None:
    jobs = [client.submit_chapter("One.\n\nTwo.", model="quick").id for _ in range(2)]
    said = slotline("cancel", *jobs)
    assert (said.status, said.out) == (0, "".join(f"{job}: cancelled\n" for job in jobs))
    again = slotline("cancel", jobs[0])
    assert (again.status, again.out) == (0, f"{jobs[0]}: had ended already\n")
    assert slotline("jobs").out.count("revoked") == 2


def test_an_id_that_left_no_trace_is_refused_in_one_line(client: Client, slotline: Slotline) -> None:
    said = slotline("cancel", "nobody")
    assert (said.status, said.out) == (2, "")
    assert said.err == "slotline: id: no job 'nobody' is recorded here; `slotline jobs` lists those that are\n"
    with pytest.raises(UnknownJob):
        client.cancel("nobody.1")


def test_whoever_waits_for_a_cancelled_job_hears_of_it(client: Client) -> None:
    book = client.submit_book([{"title": "A", "text": "One."}], model="quick")
    text = client.submit_paragraph("Two.", model="quick")
    for job in (book, text):
        assert job.cancel()
        with pytest.raises(JobCancelled, match=job.id):
            job.wait(5)
        assert not job.cancel()
