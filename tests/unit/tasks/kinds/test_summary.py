"""Summaries of texts of any length, through real workers: level by level, whatever dies, fails or is cut."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from producer import Client
from producer.job import Job
from tasks.errors import InvalidInput, PartsFailed
from tasks.flow.repair import retry
from tasks.messages import TextSummaryResult
from tasks.retention.needed import needed
from tasks.text.levels import node_of
from tests.fixtures.environment import UseCatalog
from tests.fixtures.waiting import GIVE_UP_S, WaitUntil
from tests.fixtures.workers import StartPair, StartWorker

CATALOG = """
[models.words]
adapter = "rehearsal"
gives = "text"
reads_tokens = 40
faults = true
batch_size = 4

[models.calm]
adapter = "rehearsal"
gives = "text"
seconds = 0.1
reads_tokens = 40

[models.quick]
adapter = "rehearsal"
"""

WORDS = [f"word{number}" for number in range(400)]
TEXT = "\n\n".join(" ".join(WORDS[at : at + 20]) + "." for at in range(0, len(WORDS), 20))

Ask = Callable[..., Any]


@pytest.fixture
def ask(foreign: Celery) -> Ask:
    """`ask("text", …)`: sends `summary.text` as any Celery client would."""

    def send(task: str, **fields: Any) -> Any:
        return foreign.send_task(f"summary.{task}", kwargs=fields, queue="flow")

    return send


@pytest.fixture
def words(use_catalog: UseCatalog, start_pair: StartPair) -> None:
    """A flow worker, and a slot whose summaries are a text's first words."""
    use_catalog(CATALOG)
    start_pair("words")


def test_a_long_text_becomes_one_summary_in_levels(words: None, ask: Ask, client: Client) -> None:
    job = ask("text", text=TEXT, model="words", max_length=8, title="Words")
    made = job.get(timeout=GIVE_UP_S)
    assert made["text"] == " ".join(WORDS[:8])
    assert made["title"] == "Words"
    assert made["levels"] >= 3
    assert made["parts"] == made["computed"]
    assert made["is_complete"]
    assert client.store.read_bytes(made["artifact"]).decode() == made["text"]


def test_a_short_text_is_one_part_and_the_same_text_again_computes_nothing(words: None, ask: Ask) -> None:
    first = ask("text", text="Only a few words.", model="words").get(timeout=GIVE_UP_S)
    assert (first["levels"], first["parts"], first["computed"]) == (1, 1, 1)
    again = ask("text", text="Only a few words.", model="words").get(timeout=GIVE_UP_S)
    assert again == {**first, "computed": 0}
    whole = ask("text", text=TEXT, model="words", max_length=8).get(timeout=GIVE_UP_S)
    assert ask("text", text=TEXT, model="words", max_length=8).get(timeout=GIVE_UP_S) == {**whole, "computed": 0}


def test_what_the_model_cut_is_read_in_halves(words: None, ask: Ask) -> None:
    made = ask("text", text=TEXT, model="words", max_length=40, chunk_chars=100_000).get(timeout=GIVE_UP_S)
    assert not made["is_complete"]
    assert made["is_cut"] is False
    assert made["text"].replace(".", "").split() == WORDS


def test_summaries_that_do_not_shrink_end_with_what_there_is(words: None, ask: Ask) -> None:
    made = ask("text", text=TEXT, model="words", max_length=40).get(timeout=GIVE_UP_S)
    assert (made["levels"], made["is_complete"]) == (1, False)
    assert made["text"].replace(".", "").split() == WORDS


def test_a_part_that_fails_ends_the_job_and_names_itself(words: None, client: Client, ask: Ask) -> None:
    paragraphs = TEXT.split("\n\n")
    paragraphs[7] = "⚡error " + paragraphs[7]
    job = ask("text", text="\n\n".join(paragraphs), model="words", max_length=8)
    with pytest.raises(PartsFailed, match=r"^1 of \d+ parts failed: \d+ \(«.*»\): text: ⚡error stands in it"):
        Job(client.connection, client.store, job.id).wait(timeout_s=GIVE_UP_S)
    record = client.ledger.queries.record(job.id)
    assert record is not None
    assert (record.failed, record.done) == (1, record.total - 1)
    assert all(node_of(payload).level == 1 for payload in client.ledger.queries.payloads(job.id))


def test_a_text_without_words_and_a_model_that_speaks_are_refused(
    words: None, ask: Ask, foreign: Celery, start_worker: StartWorker, client: Client
) -> None:
    with pytest.raises(InvalidInput, match="text: nothing to summarise"):
        Job(client.connection, client.store, ask("text", text="***", model="words").id).wait(timeout_s=GIVE_UP_S)
    start_worker("--model", "quick", name="quick").wait_for_log("ready: quick")
    refusal = "model: 'quick' does not write (its adapter is rehearsal)"
    with pytest.raises(InvalidInput) as in_flow:
        Job(client.connection, client.store, ask("text", text="Some words.", model="quick").id).wait(
            timeout_s=GIVE_UP_S
        )
    assert str(in_flow.value) == refusal
    part = foreign.send_task("summary.part", kwargs={"text": "Some words.", "model": "quick"}, queue="quick")
    with pytest.raises(Exception, match="does not write"):
        part.get(timeout=GIVE_UP_S)
    spoken = foreign.send_task("speech.paragraph", kwargs={"text": "Some words.", "model": "words"}, queue="words")
    with pytest.raises(Exception, match="does not speak"):
        spoken.get(timeout=GIVE_UP_S)


def test_a_slot_killed_in_the_middle_loses_nothing(
    use_catalog: UseCatalog, start_worker: StartWorker, ask: Ask, client: Client, wait_until: WaitUntil
) -> None:
    use_catalog(CATALOG)
    start_worker("-Q", "flow", name="flow")
    doomed = start_worker("--model", "calm", name="doomed")
    job = ask("text", text=TEXT, model="calm", max_length=8)
    wait_until(lambda: Job(client.connection, client.store, job.id).progress().done >= 3, what="three parts")
    start_worker("--model", "calm", name="heir")
    doomed.kill()
    assert job.get(timeout=GIVE_UP_S)["text"] == " ".join(WORDS[:8])


def test_a_cancelled_summary_ends_between_its_levels_and_makes_no_more_parts(
    use_catalog: UseCatalog, start_pair: StartPair, ask: Ask, client: Client, wait_until: WaitUntil
) -> None:
    use_catalog(CATALOG)
    start_pair("calm")
    job = Job(client.connection, client.store, ask("text", text=TEXT, model="calm", max_length=8).id)
    wait_until(lambda: job.progress().done >= 2, what="two parts")
    assert job.cancel()
    record = client.ledger.queries.record(job.id)
    assert record is not None
    assert record.outcome == "REVOKED"
    assert job.status() == "REVOKED"
    assert client.ledger.queries.payloads(job.id) == []


def test_a_part_that_failed_is_tried_again_and_the_levels_go_on(
    use_catalog: UseCatalog, start_pair: StartPair, ask: Ask, client: Client, wait_until: WaitUntil
) -> None:
    use_catalog(CATALOG)
    start_pair("calm")
    job = Job(client.connection, client.store, ask("text", text=TEXT, model="calm", max_length=8).id)
    wait_until(lambda: job.progress().done >= 1, what="a part")
    last = client.ledger.queries.states(job.id).rindex(".") + 1
    assert client.cancel(f"{job.id}.{last}")
    with pytest.raises(
        PartsFailed, match=rf"^1 of \d+ parts failed: {last} .*: cancelled. The summaries of the others"
    ):
        job.wait(timeout_s=GIVE_UP_S)
    assert retry(client.ledger, job.id) == 1
    wait_until(lambda: job.status() == "SUCCESS", limit_s=60, what="the levels after it")
    made = job.result()
    assert isinstance(made, TextSummaryResult)
    assert made.text == " ".join(WORDS[:8])
    assert made.levels >= 3


def test_the_summaries_of_an_open_job_are_not_pruned(
    use_catalog: UseCatalog, start_pair: StartPair, ask: Ask, client: Client, wait_until: WaitUntil
) -> None:
    use_catalog(CATALOG)
    start_pair("calm")
    long = client.store.put_text(TEXT)
    job = Job(client.connection, client.store, ask("text", text_ref=long, model="calm", max_length=8).id)
    wait_until(lambda: job.progress().done >= 3, what="three parts")
    wanted = {name.decode() for name in needed(client.ledger)}
    made = [outcome["summary"]["artifact"] for outcome in client.ledger.queries.outcomes(job.id).values()]
    assert {name.rpartition(".")[0] for name in [long, *made[:3]]} <= wanted
    job.cancel()


def test_many_short_texts_are_parts_and_keep_their_order(words: None, ask: Ask) -> None:
    texts = [{"text": f"Text {number} is short.", "title": f"No {number}"} for number in range(30)]
    made = ask("texts", texts=texts, model="words", max_length=2).get(timeout=GIVE_UP_S)
    assert [one["text"] for one in made["summaries"]] == [f"Text {number}" for number in range(30)]
    assert [one["title"] for one in made["summaries"]] == [f"No {number}" for number in range(30)]


def test_many_texts_of_which_one_is_long_are_jobs_of_their_own(words: None, ask: Ask, client: Client) -> None:
    texts = [{"text": "A short one.", "title": "short"}, {"text": TEXT, "title": "long"}]
    job = ask("texts", texts=texts, model="words", max_length=8)
    made = job.get(timeout=GIVE_UP_S)
    assert [one["title"] for one in made["summaries"]] == ["short", "long"]
    assert [one["levels"] > 1 for one in made["summaries"]] == [False, True]
    below = client.ledger.queries.record(f"{job.id}.2")
    assert below is not None
    assert (below.kind, below.outcome) == ("summary", "SUCCESS")


def test_of_many_texts_one_that_fails_costs_itself_alone(words: None, ask: Ask, client: Client) -> None:
    job = ask("texts", texts=[{"text": "Good."}, {"text": "⚡error bad"}, {"text": "Well."}], model="words")
    with pytest.raises(PartsFailed, match="1 of 3 texts failed: 2"):
        Job(client.connection, client.store, job.id).wait(timeout_s=GIVE_UP_S)
    record = client.ledger.queries.record(job.id)
    assert record is not None
    assert record.result is not None
    assert [one and one["text"] for one in record.result["summaries"]] == ["Good.", None, "Well."]


def test_a_real_bart_summarises_a_chapter_through_its_levels(
    use_catalog: UseCatalog, start_worker: StartWorker, ask: Ask, bart_folder: Path
) -> None:
    from producer.books.reader import read_book
    from tests.fixtures.processes import ROOT

    use_catalog(f'[models.tiny]\nadapter = "bart"\npath = "{bart_folder}"\nbatch_size = 16\n')
    start_worker("-Q", "flow", name="flow")
    start_worker("--model", "tiny", name="slot").wait_for_log("ready: tiny", 90)
    chapter = read_book(ROOT / "examples" / "love-among-the-chickens.epub").chapters[0].text[:6000]
    made = ask("text", text=chapter, model="tiny", max_length=20).get(timeout=GIVE_UP_S)
    assert made["levels"] > 1
    assert made["is_cut"] is False
    assert ask("text", text=chapter, model="tiny", max_length=20).get(timeout=GIVE_UP_S) == {**made, "computed": 0}
