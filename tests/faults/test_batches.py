"""A batch with one in it that kills, hogs or is revoked: that one alone pays, on real workers.

The rehearsal writes down what it ran; what is promised of attempts is counted there.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import redis
from celery import Celery
from celery.result import AsyncResult

from producer import Client
from producer.job import Job
from tasks.errors import PartsFailed
from tasks.flow.ledger.limits import ATTEMPTS_ALLOWED
from tasks.redis import keys
from tests.faults.slots import MODEL, Slots
from tests.fixtures.environment import UseCatalog
from tests.fixtures.waiting import WaitUntil
from tests.fixtures.workers import StartWorker

SIZE = 8
LIMIT_S = 90.0
GOOD = [f"This is innocent number {number}." for number in range(10)]
POISON = "This one is poison {}, alas."


@pytest.fixture
def slots(start_worker: StartWorker, tmp_path: Path) -> Slots:
    made = Slots(start_worker, tmp_path, seconds=0.2, batch_size=SIZE)
    made.catalog.write_text(made.catalog.read_text() + "time_limit_s = 2.0\n")
    return made


def with_poison(poison: str) -> list[str]:
    """Eleven texts, and none of the poison's neighbours in a batch is spared."""
    return [*GOOD[:3], POISON.format(poison), *GOOD[3:]]


def assert_only_the_poison_paid(slots: Slots, poison: str) -> None:
    runs = slots.runs(POISON.format(poison))
    assert len(runs) == ATTEMPTS_ALLOWED
    assert all(run.ended is None for run in runs)
    for text in GOOD:
        runs = slots.runs(text)
        assert sum(run.ended is not None for run in runs) == 1, f"{text} was computed {len(runs)} times"
        assert len(runs) <= 2, "no innocent loses more than one attempt"


@pytest.mark.parametrize(("poison", "pipeline"), [("⚡crash", "1"), ("⚡killed", "0"), ("⚡hang", "1")])
def test_of_a_chapters_batch_that_dies_the_culprit_alone_is_set_aside(
    slots: Slots, client: Client, poison: str, pipeline: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLOTLINE_MODELS", str(slots.catalog))
    monkeypatch.setenv("SLOTLINE_PIPELINE", pipeline)
    slots.flow()
    slot = slots.start()
    job = client.submit_chapter("\n\n".join(with_poison(poison)), model=MODEL)
    with pytest.raises(PartsFailed, match=r"1 of 11 paragraphs failed: 4 .*its worker died in all 3 attempts"):
        job.wait(LIMIT_S)
    assert_only_the_poison_paid(slots, poison)
    assert slot.has_logged("its model is loaded again", ATTEMPTS_ALLOWED)
    assert slot.returncode is None


@pytest.mark.parametrize("poison", ["⚡crash", "⚡killed", "⚡hang"])
def test_of_single_texts_in_a_batch_that_dies_the_culprit_alone_fails(
    slots: Slots, foreign: Celery, poison: str, redis_client: redis.Redis, wait_until: WaitUntil
) -> None:
    texts = with_poison(poison)
    results = [speak(foreign, text) for text in texts]
    slots.start()
    for text, result in zip(texts, results, strict=True):
        if text in GOOD:
            assert result.get(timeout=LIMIT_S)["computed"]
        else:
            with pytest.raises(Exception, match="its worker died in all 3 attempts"):
                result.get(timeout=LIMIT_S)
    assert_only_the_poison_paid(slots, poison)
    wait_until(lambda: not redis_client.hlen(keys.HELD), 10, "all of them to be acknowledged")


def test_a_limit_of_a_senders_ends_that_text_alone_and_is_named_and_no_other_pays(
    slots: Slots, foreign: Celery
) -> None:
    slow, hang = "⚡slow=60 It stops at a safe point.", "⚡hang It does not stop."
    results = [speak(foreign, text) for text in GOOD]
    limited = {slow: speak(foreign, slow, soft_time_limit=0.3), hang: speak(foreign, hang, time_limit=0.3)}
    slot = slots.start()
    with pytest.raises(Exception, match="^soft_time_limit=0.3 s, set by the sender, is over$"):
        limited[slow].get(timeout=LIMIT_S)
    with pytest.raises(Exception, match="^time_limit=0.3 s, set by the sender, is over$"):
        limited[hang].get(timeout=LIMIT_S)
    assert all(result.get(timeout=LIMIT_S)["computed"] for result in results)
    assert [len(slots.runs(text)) for text in (*GOOD, slow, hang)] == [1] * (len(GOOD) + 2)
    assert slot.has_logged("its model is loaded again", 2), "once, said by the parent and by the supervisor"


def test_another_worker_runs_them_one_by_one_where_theirs_is_dead(
    slots: Slots, foreign: Celery, wait_until: WaitUntil
) -> None:
    texts = [f"⚡slow=0.1 {text}" for text in GOOD[:SIZE]]
    results = [speak(foreign, text) for text in texts]
    first = slots.start("first")
    wait_until(lambda: len(slots.runs()) >= SIZE, 20, "the batch to be begun")
    first.kill()
    second = slots.start("second")
    for result in results:
        assert result.get(timeout=LIMIT_S)["computed"]
    ends = {run.ended for text in texts for run in slots.runs(text) if run.ended is not None}
    assert len(ends) == SIZE, "each ended in a run of its own"
    assert second.returncode is None


def test_a_batch_that_does_not_fit_is_halved_and_no_later_one_is_as_large(
    use_catalog: UseCatalog, start_worker: StartWorker, foreign: Celery, redis_client: redis.Redis
) -> None:
    use_catalog(f'[models.{MODEL}]\nadapter = "rehearsal"\nbatch_size = {SIZE}\nmemory_items = 3\n')
    results = [speak(foreign, text) for text in GOOD]
    slot = start_worker("--model", MODEL)
    for result in results:
        assert result.get(timeout=LIMIT_S)["computed"]
    slot.wait_for_log("8 inputs do not fit together")
    (key,) = redis_client.keys("slotline:fits:*")
    assert redis_client.get(key) == "2"
    assert slot.stop() == 0
    again = start_worker("--model", MODEL, name="again")
    for result in [speak(foreign, f"{text} Again.") for text in GOOD]:
        assert result.get(timeout=LIMIT_S)["computed"]
    assert "do not fit together" not in again.log()


def test_the_input_that_never_fits_fails_alone(slots: Slots, foreign: Celery) -> None:
    slots.catalog.write_text(slots.catalog.read_text().replace("time_limit_s = 2.0", "time_limit_s = 30"))
    texts = with_poison("⚡memory")
    results = [speak(foreign, text) for text in texts]
    slot = slots.start()
    child = slot.child()
    for text, result in zip(texts, results, strict=True):
        if text in GOOD:
            assert result.get(timeout=LIMIT_S)["computed"]
        else:
            with pytest.raises(Exception, match="memory ran out, though the input ran alone"):
                result.get(timeout=LIMIT_S)
    assert slot.child() == child


@pytest.mark.parametrize("terminate", [True, False])
def test_of_a_running_batch_one_that_is_revoked_is_dropped_alone(
    slots: Slots, foreign: Celery, client: Client, wait_until: WaitUntil, redis_client: redis.Redis, terminate: bool
) -> None:
    results = [speak(foreign, f"⚡slow=0.15 {text}") for text in GOOD[:SIZE]]
    slot = slots.start()
    child = slot.child()
    wait_until(lambda: len(slots.runs()) >= SIZE, 20, "the batch to be begun")
    unwanted = results.pop(5)
    if terminate:
        unwanted.revoke(terminate=True)
    else:
        assert Job(client.connection, client.store, unwanted.id).cancel()
    for result in results:
        assert result.get(timeout=LIMIT_S)["computed"]
    wait_until(lambda: unwanted.state == "REVOKED", 10, "it to be revoked")
    assert slot.child() == child, "nothing of the batch was killed for it"
    wait_until(lambda: not redis_client.hlen(keys.HELD), 10, "all of them to be acknowledged")
    assert redis_client.llen(MODEL) == 0
    assert max(len(slots.runs(f"⚡slow=0.15 {text}")) for text in GOOD[:SIZE]) == 1


def test_a_body_that_cannot_be_read_costs_itself_alone(
    slots: Slots, foreign: Celery, wait_until: WaitUntil, redis_client: redis.Redis
) -> None:
    first = speak(foreign, "⚡slow=0.5 first")
    slots.start()
    wait_until(slots.runs, 20, "the first to be begun")
    others = [speak(foreign, text) for text in GOOD[:4]]
    wrong = foreign.send_task("speech.paragraph", args=["positional"], queue=MODEL)
    for result in [first, *others]:
        assert result.get(timeout=LIMIT_S)["computed"]
    with pytest.raises(Exception, match="args: give keyword arguments only|positional"):
        wrong.get(timeout=LIMIT_S)
    wait_until(lambda: not redis_client.hlen(keys.HELD), 10, "all of them to be acknowledged")


def test_what_lingers_for_company_shares_a_batch_that_would_not_without(
    slots: Slots, foreign: Celery, wait_until: WaitUntil
) -> None:
    slot = slots.start(GPU_MAX_DELAY_MS="3000")
    first = speak(foreign, "first")
    slot.wait_for_log("received")
    assert slots.runs() == []
    second = speak(foreign, "second")
    assert first.get(timeout=LIMIT_S)["computed"]
    assert second.get(timeout=LIMIT_S)["computed"]
    (one,), (other,) = slots.runs("first"), slots.runs("second")
    assert one.began == other.began, "one line each, of one batch"
    last = [speak(foreign, text) for text in GOOD[:SIZE]]
    for result in last:
        assert result.get(timeout=2.5)["computed"], "a full batch waits for nobody"


def speak(app: Celery, text: str, **options: float) -> AsyncResult[object]:
    return app.send_task("speech.paragraph", kwargs={"text": text, "model": MODEL}, queue=MODEL, **options)
