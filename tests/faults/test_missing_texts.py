"""A book whose texts are gone from the store: its chapters fail at once, and the list says which and why."""

from __future__ import annotations

import pytest

from producer import Client
from tasks.errors import PartsFailed
from tests.fixtures.commands import Slotline
from tests.fixtures.environment import UseCatalog
from tests.fixtures.waiting import GIVE_UP_S
from tests.fixtures.workers import StartFlow

GONE = "text/ab/" + "ab" * 32 + ".txt"


def test_chapters_whose_texts_are_gone_fail_without_another_try_and_are_listed_below_their_book(
    broker: str, use_catalog: UseCatalog, start_flow: StartFlow, slotline: Slotline
) -> None:
    use_catalog('[models.quick]\nadapter = "rehearsal"\n')
    flow = start_flow()
    chapters = [{"title": title, "text_ref": GONE} for title in ("Một", "Hai", "Ba")]
    job = Client().submit_book(chapters, model="quick", title="Chí Phèo")
    with pytest.raises(PartsFailed, match=GONE):
        job.wait(timeout_s=GIVE_UP_S)
    assert "is tried again" not in flow.log()
    _, book, *below = slotline("jobs", "--all").out.splitlines()
    assert book.split()[:7] == [job.id, "book", "Chí", "Phèo", "quick", "failure", "3/3"]
    for number, (row, title) in enumerate(zip(below, ("Một", "Hai", "Ba"), strict=True), 1):
        assert row.split()[:5] == [f"{job.id}.{number}", "chapter", title, "quick", "failure"]
        assert f"artifact {GONE} is not in " in row
        assert ":" not in row.partition("failure")[2].partition("artifact")[0], "an age below a minute"
