"""Any Celery client that knows nothing of slotline: results, progress, links, chains, chords, failures."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from celery import Celery, chain, chord
from celery.result import allow_join_result

from tests.fixtures.environment import UseCatalog
from tests.fixtures.waiting import GIVE_UP_S, WaitUntil
from tests.fixtures.workers import StartPair, StartSlot

TEXT = "Trăm năm trong cõi người ta,\nChữ tài chữ mệnh khéo là ghét nhau.\n\n***\n\nTrải qua một cuộc bể dâu."
CATALOG = """
[models.quick]
adapter = "rehearsal"
voices = ["vi", "en"]

[models.slow]
adapter = "rehearsal"
seconds = 0.3

[models.slower]
adapter = "rehearsal"
seconds = 3.5

[models.faulty]
adapter = "rehearsal"
faults = true
"""


@pytest.fixture(autouse=True)
def models(use_catalog: UseCatalog) -> None:
    use_catalog(CATALOG)


@pytest.fixture
def celery(foreign: Celery) -> Celery:
    foreign.conf.task_default_queue = "flow"
    return foreign


def ask(celery: Celery, task: str = "speech.chapter", queue: str = "flow", **kwargs: Any) -> Any:
    return celery.send_task(task, kwargs={"model": "quick", **kwargs}, queue=queue)


@pytest.fixture
def workers(start_pair: StartPair) -> None:
    start_pair("quick")


def test_a_chapter_is_a_task_whose_result_any_client_gets(celery: Celery, workers: None) -> None:
    result = ask(celery, text=TEXT, voice="vi").get(timeout=GIVE_UP_S)
    assert (result["paragraphs"], result["parts"], result["computed"]) == (3, 3, 2)
    assert result["skipped"] == [{"part": 2, "reason": "nothing to speak", "words": "***"}]
    assert result["audio"]["frames"] / result["audio"]["sample_rate"] == pytest.approx(result["duration_s"], abs=1e-3)
    assert len(json.dumps(result)) < 1000


def test_a_sender_that_names_no_queue_is_served_or_refused_in_words(foreign: Celery, workers: None) -> None:
    chapter = foreign.send_task("speech.chapter", kwargs={"model": "quick", "text": TEXT})
    paragraph = foreign.send_task("speech.paragraph", kwargs={"model": "quick", "text": "One."})
    nobodys = foreign.send_task("speech.paragraph", kwargs={"model": "qick", "text": "One."})
    assert chapter.get(timeout=GIVE_UP_S)["paragraphs"] == 3
    assert paragraph.get(timeout=GIVE_UP_S)["computed"]
    with pytest.raises(Exception, match="did you mean 'quick'"):
        nobodys.get(timeout=GIVE_UP_S)


def test_links_chains_and_chords_on_a_chapter_fire(celery: Celery, workers: None) -> None:
    paragraph = celery.signature("speech.paragraph", kwargs={"model": "quick", "text": "after"}, immutable=True)
    one = celery.signature("speech.chapter", kwargs={"model": "quick", "text": "one"}, queue="flow")
    two = celery.signature("speech.chapter", kwargs={"model": "quick", "text": "two"}, queue="flow", immutable=True)
    after = paragraph.set(queue="quick")
    chained = chain(one, two, after, app=celery).apply_async()
    assert chained.get(timeout=GIVE_UP_S)["audio"]["frames"] > 0
    assert chained.parent.get(timeout=GIVE_UP_S)["title"] == "two"
    whole = chord([one.clone(), two.clone()], after.clone(), app=celery).apply_async()
    assert whole.get(timeout=GIVE_UP_S)["duration_s"] > 0


def test_progress_is_told_while_a_chapter_runs_and_its_end_stays(
    celery: Celery, workers: None, start_slot: StartSlot, wait_until: WaitUntil
) -> None:
    start_slot("slow")
    text = "\n\n".join(f"Paragraph number {n}." for n in range(8))
    job = ask(celery, text=text, model="slow")
    seen = wait_until(lambda: job.state == "PROGRESS" and job.info["done"] >= 2 and job.info, limit_s=20)
    assert seen["total"] == 8
    assert job.get(timeout=GIVE_UP_S)["parts"] == 8
    assert job.state == "SUCCESS"


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"text": "  "}, "text: "),
        ({"text": "***"}, "nothing to speak"),
        ({"text": "a", "model": "quik"}, "did you mean 'quick'"),
        ({"text": "a", "voice": "vn"}, "has no voice 'vn'"),
        ({"text": "a", "speed": 9}, "speed: "),
        ({"text": "a", "txet": "b"}, "txet: "),
        ({}, "text: "),
    ],
)
def test_bad_input_ends_in_failure_with_words_that_name_it_and_the_worker_goes_on(
    celery: Celery, workers: None, kwargs: dict[str, Any], words: str
) -> None:
    with pytest.raises(Exception, match=words):
        ask(celery, **kwargs).get(timeout=GIVE_UP_S)
    assert ask(celery, text="goes on").get(timeout=GIVE_UP_S)["computed"] == 1


def test_a_paragraph_that_fails_fails_its_chapter_and_the_others_audio_is_kept(
    celery: Celery, workers: None, start_slot: StartSlot
) -> None:
    start_slot("faulty")
    job = ask(celery, model="faulty", text="Good one.\n\nBad ⚡error one.\n\nGood two.")
    with pytest.raises(
        Exception, match=r"1 of 3 paragraphs failed: 2 \(«Bad ⚡error one.»\).*audio of the others is kept"
    ):
        job.get(timeout=GIVE_UP_S)
    assert job.state == "FAILURE"
    assert type(job.result).__name__ == "PartsFailed"


def test_a_paragraph_that_kills_its_worker_three_times_fails_alone(
    celery: Celery, workers: None, start_slot: StartSlot
) -> None:
    worker = start_slot("faulty")
    job = ask(celery, model="faulty", text="Good one.\n\n⚡crash.\n\nGood two.")
    with pytest.raises(Exception, match="its worker died in all 3 attempts"):
        job.get(timeout=GIVE_UP_S)
    assert worker.returncode is None
    assert ask(celery, model="faulty", text="still here").get(timeout=GIVE_UP_S)["parts"] == 1


def test_a_paragraph_asked_for_twice_at_once_is_computed_once(
    celery: Celery, workers: None, start_slot: StartSlot
) -> None:
    for name in ("slow-a", "slow-b"):
        start_slot("slow", name=name, env={"SLOTLINE_CPU_SLOTS": "4"})
    text = "The very same words ⚡ at the very same time."
    jobs = [ask(celery, "speech.paragraph", "slow", text=text, model="slow") for _ in range(4)]
    with allow_join_result():
        computed = [job.get(timeout=GIVE_UP_S)["computed"] for job in jobs]
    assert sorted(computed) == [False, False, False, True]


def test_a_part_that_waits_for_another_slots_work_is_not_taken_for_lost(
    celery: Celery, workers: None, start_slot: StartSlot, redis_client: Any
) -> None:
    for name in ("slower-a", "slower-b"):
        start_slot("slower", name=name, env={"SLOTLINE_CPU_SLOTS": "4"})
    jobs = [ask(celery, text="The same words at the same time.", model="slower") for _ in range(4)]
    assert sorted(job.get(timeout=GIVE_UP_S)["computed"] for job in jobs) == [0, 0, 0, 1]
    sent = [redis_client.hget(f"slotline:job:{job.id}", "messages") for job in jobs]
    assert sent == ["2"] * 4, "one for the part and one for the end; the sweep sent none"


def test_many_clients_at_once_get_each_their_own(celery: Celery, workers: None) -> None:
    titles: dict[int, str] = {}

    def one(number: int) -> None:
        titles[number] = ask(celery, text=f"Chapter {number}.", title=f"T{number}").get(timeout=GIVE_UP_S)["title"]

    threads = [threading.Thread(target=one, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(40)
    assert titles == {number: f"T{number}" for number in range(12)}
