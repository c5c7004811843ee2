"""What slotline writes in Celery's formats is what Celery writes: real messages and results, compared.

An upgrade that changes a format fails here first: see `tasks/redis/celery_formats.py`.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from celery.app.task import Context
from celery.exceptions import TaskRevokedError
from kombu.transport.redis import Channel

from tasks import routing
from tasks.flow import envelope
from tasks.flow.ledger import Ledger
from tasks.redis import keys
from tasks.redis.celery_formats import DELIVERY_INFO, EMBED, ERROR, FORMATS, HEADERS, MESSAGE, META, PROPERTIES, Format
from tests.unit.tasks.flow.ledger.opened_jobs import MODEL, OPENING, opened
from workers.transport.due_request import fault_of_eta

# redis-py's, for a call of Celery's result backend.
pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated setex")

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = {"body_encoding", "eta", "expires", "shadow"}
"""What Celery writes too and slotline does not: the table says why."""


@pytest.fixture
def app(broker: str) -> Iterator[Celery]:
    """Celery itself, as any client has it."""
    with Celery("formats", broker=broker, backend=broker, set_as_current=False) as one:
        yield one


@pytest.fixture
def ledger(raw_redis: Any) -> Ledger:
    """The ledger on the emptied broker."""
    return Ledger(raw_redis)


def message_in(client: Any, name: str) -> dict[str, Any]:
    """The next message of a list, decoded, its body too; it stays there."""
    message: dict[str, Any] = json.loads(client.lindex(name, -1))
    body = message["body"]
    if message["properties"].get("body_encoding") == "base64":
        body = base64.b64decode(body)
    message["body"] = json.loads(body)
    return message


def celerys_own(app: Celery, client: Any, priority: int = 0) -> dict[str, Any]:
    """A message that Celery sends with everything that may follow a task."""
    follow = app.signature("next", queue="q")
    app.send_task("note", (), {"a": 1}, queue="celerys", link=follow, link_error=follow, priority=priority)
    return message_in(client, routing.list_key("celerys", priority))


def part_of(form: Format, message: dict[str, Any]) -> set[str]:
    """The fields of one format in a message."""
    parts = {
        MESSAGE: message,
        PROPERTIES: message["properties"],
        DELIVERY_INFO: message["properties"]["delivery_info"],
        HEADERS: message["headers"],
        EMBED: message["body"][2],
    }
    return set(parts[form])


@pytest.fixture(params=["new_message", "same_task_again", "copy_of", "part"])
def ours(request: pytest.FixtureRequest, ledger: Ledger, raw_redis: Any) -> dict[str, Any]:
    """A message as slotline writes it, by each of its writers."""
    context = Context({"id": "1", "task": "note", "kwargs": {"a": 1}, "correlation_id": "1", "root_id": "1"})
    match request.param:
        case "new_message":
            raw_redis.lpush(MODEL, envelope.new_message("note", "1", {"a": 1}, MODEL))
        case "same_task_again":
            raw_redis.lpush(MODEL, "tag".join(envelope.same_task_again(context, MODEL)))
        case "copy_of":
            headers = {"task": "note", "id": "1", "root_id": "1", "delivery_info": {"priority": 3}}
            body = json.dumps([[], {"a": 1}, dict.fromkeys(EMBED.fields)])
            raw_redis.lpush(MODEL, envelope.copy_of(headers, body, MODEL))
        case "part":
            opened(ledger, 1)
    return message_in(raw_redis, MODEL)


@pytest.mark.parametrize("form", [MESSAGE, PROPERTIES, DELIVERY_INFO, HEADERS, EMBED], ids=lambda form: form.name)
def test_celery_writes_the_fields_that_the_table_names(form: Format, app: Celery, raw_redis: Any) -> None:
    theirs = part_of(form, celerys_own(app, raw_redis))
    assert set(form.fields) <= theirs, f"{form.name}: Celery no longer writes {set(form.fields) - theirs}"
    assert theirs - set(form.fields) <= LEFT_OUT, f"{form.name}: Celery writes more"


@pytest.mark.parametrize("form", [MESSAGE, PROPERTIES, DELIVERY_INFO, HEADERS, EMBED], ids=lambda form: form.name)
def test_slotline_writes_no_field_of_a_message_that_celery_does_not(form: Format, ours: dict[str, Any]) -> None:
    assert part_of(form, ours) <= set(form.fields)


def test_what_is_in_a_field_is_of_the_type_that_celery_puts_there(
    app: Celery, raw_redis: Any, ours: dict[str, Any]
) -> None:
    theirs = celerys_own(app, raw_redis, priority=3)
    for where in ("headers", "properties"):
        for name, value in ours[where].items():
            if value is not None and theirs[where][name] is not None:
                assert isinstance(value, type(theirs[where][name])), f"{where}.{name}"
    assert ours["content-type"] == theirs["content-type"]
    assert ours["content-encoding"] == theirs["content-encoding"]
    assert [type(item) for item in ours["body"]] == [type(item) for item in theirs["body"]]


def test_an_eta_that_celery_writes_can_be_read(app: Celery, raw_redis: Any) -> None:
    app.send_task("note", queue="q", countdown=5)
    app.send_task("note", queue="q", eta=datetime(2026, 1, 31, 12, 30))
    for raw in raw_redis.lrange("q", 0, -1):
        assert fault_of_eta(json.loads(raw)["headers"]["eta"]) is None


def test_a_queues_lists_are_named_and_ordered_as_kombu_does_it(app: Celery, raw_redis: Any) -> None:
    assert (tuple(Channel.priority_steps), Channel.sep) == (routing.PRIORITY_STEPS, routing.PRIORITY_SEPARATOR)
    for priority in (0, 2, 3, 9):
        app.send_task("note", queue=f"q{priority}", priority=priority)
        assert raw_redis.llen(routing.list_key(f"q{priority}", priority)) == 1
    app.send_task("last", queue="q0")
    assert message_in(raw_redis, "q0")["headers"]["task"] == "note", "what was sent first is taken first"


def stored(client: Any, task_id: str) -> tuple[str, dict[str, Any]]:
    """A result as text and as it reads."""
    raw = client.get(keys.RESULT_PREFIX + task_id).decode()
    return raw, json.loads(raw)


def test_celery_stores_a_result_as_the_table_says(app: Celery, raw_redis: Any) -> None:
    app.backend.store_result("done", {"a": 1}, "SUCCESS", request=Context())
    assert app.backend.get_key_for_task("done") == (keys.RESULT_PREFIX + "done").encode()
    raw, meta = stored(raw_redis, "done")
    assert set(meta) == set(META.fields)
    assert raw.startswith('{"status": "SUCCESS"')
    app.backend.client.close()


def test_the_progress_of_a_job_reads_like_a_result_that_celery_stored(
    app: Celery, ledger: Ledger, raw_redis: Any
) -> None:
    job = opened(ledger, 2)
    raw, meta = stored(raw_redis, job)
    assert set(meta) == set(META.fields)
    assert raw.startswith('{"status":"PROGRESS"')
    result = app.AsyncResult(job)
    assert (result.state, result.result["total"], result.ready()) == ("PROGRESS", 2, False)
    app.backend.client.close()


def test_a_cancelled_job_reads_like_a_task_that_celery_revoked(app: Celery, ledger: Ledger, raw_redis: Any) -> None:
    job = opened(ledger, 1)
    ledger.transitions.cancel(job)
    app.backend.store_result("theirs", TaskRevokedError("cancelled"), "REVOKED", request=Context())
    (_, ours), (_, theirs) = stored(raw_redis, job), stored(raw_redis, "theirs")
    assert set(ours) == set(theirs) == set(META.fields)
    assert ours["result"] == theirs["result"]
    assert set(ours["result"]) == set(ERROR.fields)
    assert isinstance(app.AsyncResult(job).result, TaskRevokedError)
    app.backend.client.close()


def test_a_result_is_announced_where_celery_listens(app: Celery, ledger: Ledger, raw_redis: Any) -> None:
    with raw_redis.pubsub() as listener:
        listener.subscribe(app.backend.get_key_for_task("job"))
        listener.get_message(timeout=5)
        ledger.transitions.open("job", replace(OPENING, payloads=["Ptext"]))
        announced = listener.get_message(ignore_subscribe_messages=True, timeout=5)
    assert json.loads(announced["data"])["task_id"] == "job"
    app.backend.client.close()


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
def test_the_files_that_a_row_names_hold_its_fields(form: Format) -> None:
    text = "".join((ROOT / path).read_text(encoding="utf-8") for path in form.used_in)
    assert not [name for name in form.fields if name not in text]
