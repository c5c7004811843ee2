"""A revocation is in Redis: it outlives every worker, also for a task without a job, and nothing follows REVOKED."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from celery import Celery

from producer import Client
from tasks.flow.connections import ledger
from tasks.flow.ends.control import LedgerControl
from tasks.redis import keys
from tests.fixtures.commands import Slotline
from tests.fixtures.environment import UseCatalog
from tests.fixtures.waiting import GIVE_UP_S, WaitUntil
from tests.fixtures.workers import StartFlow, StartSlot

CATALOG = '[models.quick]\nadapter = "rehearsal"\nfaults = true\n'


@pytest.fixture(autouse=True)
def models(use_catalog: UseCatalog) -> None:
    use_catalog(CATALOG)


@pytest.fixture
def own(broker: str) -> Iterator[Celery]:
    """An application with slotline's own control, as `tasks.app` is one."""
    with Celery("own", broker=broker, backend=broker, control=LedgerControl, set_as_current=False) as app:
        yield app
        ledger.cache_clear()


def paragraph(app: Celery, text: str, **options: Any) -> Any:
    return app.send_task("speech.paragraph", kwargs={"model": "quick", "text": text}, queue="quick", **options)


def status(client: redis.Redis, task_id: str) -> str:
    raw: Any = client.get(keys.RESULT_PREFIX + task_id)
    return str(json.loads(raw)["status"]) if raw else "PENDING"


def events(heard: Any, found: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """The task events that were sent so far, type and id, together with those in `found`."""
    while message := heard.get_message(ignore_subscribe_messages=True):
        body = json.loads(base64.b64decode(json.loads(message["data"])["body"]))
        found |= {(one["type"], one["uuid"]) for one in (body if isinstance(body, list) else [body]) if "uuid" in one}
    return found


def test_what_is_revoked_before_any_worker_lives_never_runs_and_its_followers_hear_of_it(
    own: Celery, slotline: Slotline, redis_client: Any, start_slot: StartSlot, wait_until: WaitUntil
) -> None:
    link = own.signature("speech.paragraph", kwargs={"model": "quick", "text": "After."}, queue="quick", immutable=True)
    by_celery = paragraph(own, "One.", link=link.clone().set(task_id="linked"))
    by_command = paragraph(own, "Two.", task_id='told "by" command')
    by_control = paragraph(own, "Three.")
    by_celery.revoke()
    own.control.revoke(by_control.id)
    assert "cancelled" in slotline("cancel", by_command.id).out
    revoked = {by_celery.id, by_control.id, by_command.id}
    assert {status(redis_client, one) for one in revoked} == {"REVOKED"}

    heard = redis_client.pubsub()
    heard.psubscribe("*celeryev*")
    worker = start_slot("quick")
    last = paragraph(own, "Last.")
    assert last.get(timeout=GIVE_UP_S)["computed"]
    wait_until(lambda: not redis_client.exists("quick", keys.HELD), what="every message to be done")
    assert {status(redis_client, one) for one in revoked} == {"REVOKED"}
    assert status(redis_client, "linked") == "PENDING"
    assert worker.has_logged("succeeded in")
    sent: set[tuple[str, str]] = set()
    wait_until(lambda: {("task-revoked", one) for one in revoked} <= events(heard, sent), what="events")
    heard.close()


def test_a_revocation_that_only_a_flow_worker_heard_of_outlives_it(
    foreign: Celery, redis_client: Any, start_flow: StartFlow, start_slot: StartSlot, wait_until: WaitUntil
) -> None:
    flow = start_flow()
    waiting = [paragraph(foreign, f"Number {n}.").id for n in range(2)]
    foreign.control.revoke(waiting[0])
    foreign.control.terminate(waiting[1])
    wait_until(lambda: [status(redis_client, one) for one in waiting] == ["REVOKED"] * 2, what="to be recorded")
    flow.kill()
    start_slot("quick")
    assert paragraph(foreign, "Last.").get(timeout=GIVE_UP_S)["computed"]
    assert [status(redis_client, one) for one in waiting] == ["REVOKED"] * 2


def test_what_runs_when_it_is_revoked_ends_revoked_and_a_later_use_of_the_id_is_no_longer_revoked(
    foreign: Celery, client: Client, redis_client: Any, start_slot: StartSlot, wait_until: WaitUntil
) -> None:
    worker = start_slot("quick")
    errback = foreign.signature("no.such.task", queue="nowhere")
    runs = paragraph(foreign, "⚡slow=0.6 one", task_id="again", link_error=errback)
    wait_until(lambda: redis_client.hget(keys.attempts("again"), "0"), what="it to run")
    runs.revoke()
    wait_until(lambda: status(redis_client, "again") == "REVOKED", what="it to be revoked")
    wait_until(lambda: not redis_client.exists("quick", keys.HELD), what="its message to be done")
    assert status(redis_client, "again") == "REVOKED"

    client.ledger.transitions.forget("again")  # as when its time to live is over
    paragraph(foreign, "Something else.", task_id="again")
    wait_until(lambda: status(redis_client, "again") == "SUCCESS", what="the id to be used again")
    assert worker.returncode is None
