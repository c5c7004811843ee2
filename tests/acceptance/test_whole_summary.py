"""A whole novel summarised to one summary by a real BART of random weights, in two slots of which one is killed."""

from __future__ import annotations

from pathlib import Path

import pytest

from producer import Client
from producer.books.reader import read_book
from tasks.messages import TextSummaryResult
from tasks.redis import keys
from tasks.text import levels
from tasks.text.levels import node_of
from tests.fixtures.environment import UseCatalog
from tests.fixtures.processes import ROOT
from tests.fixtures.waiting import WaitUntil
from tests.fixtures.workers import StartWorker

NOVEL = ROOT / "examples" / "love-among-the-chickens.epub"
READY_S = 240.0


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_whole_novel_becomes_one_summary_though_a_slot_is_killed_in_the_middle(
    client: Client, use_catalog: UseCatalog, start_worker: StartWorker, wait_until: WaitUntil, bart_folder: Path
) -> None:
    use_catalog(f'[models.tiny]\nadapter = "bart"\npath = "{bart_folder}"\nbatch_size = 16\nnum_beams = 1\n')
    start_worker("-Q", "flow", name="flow")
    doomed = start_worker("--model", "tiny", name="doomed")
    slot = start_worker("--model", "tiny", name="slot")
    for worker in (doomed, slot):
        worker.wait_for_log("ready: tiny", READY_S)
    novel = "\n\n".join(chapter.text for chapter in read_book(NOVEL).chapters)
    job = client.submit_summary(novel, model="tiny", max_length=12, title="Love Among the Chickens")
    wait_until(lambda: job.progress().done >= 200, limit_s=120, what="two hundred parts")
    nodes = [node_of(payload) for payload in client.ledger.queries.payloads(job.id)]
    chunks = [nodes[part - 1].text for part in levels.leaves(nodes, 1)]
    assert "".join("".join(chunks).split()) == "".join(novel.split())
    doomed.kill()
    made = job.wait(timeout_s=400)
    assert isinstance(made, TextSummaryResult)
    assert made.levels >= 3
    assert made.is_complete
    assert not made.is_cut
    again = client.submit_summary(novel, model="tiny", max_length=12, title="Love Among the Chickens")
    assert again.wait(timeout_s=200) == made.model_copy(update={"computed": 0})
    redis = client.connection.redis
    assert wait_until(lambda: redis.hlen(keys.HELD) == 0, limit_s=10, what="nothing is held")
    assert redis.keys("slotline:hand:*") == []
