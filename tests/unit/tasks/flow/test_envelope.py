"""Messages that slotline writes itself: kombu reads them, and a task that is sent again is the same task.

Each field is compared with Celery's own in `tests/house/test_celery_formats.py`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from celery import Celery
from celery.app.task import Context
from kombu import Connection

from tasks.flow.envelope import copy_of, new_message, same_task_again

TEXT = "Hắn vừa đi vừa chửi."


def opened(message: str) -> tuple[dict[str, Any], list[Any]]:
    """A message and its body, decoded."""
    whole = json.loads(message)
    return whole, json.loads(whole["body"])


@pytest.fixture
def reading(broker: str) -> Iterator[Connection]:
    """A plain Celery application's connection, which knows nothing of slotline."""
    with Celery("plain", broker=broker, set_as_current=False) as app, app.connection_for_read() as connection:
        yield connection


def test_kombu_reads_a_new_message_as_one_of_celerys_own(reading: Connection, raw_redis: Any) -> None:
    raw_redis.lpush("espeak", new_message("speech.paragraph", "some-id", {"text": TEXT}, "espeak", 3))
    with reading.SimpleQueue("espeak") as queue:
        message = queue.get(timeout=5)
        args, kwargs, embed = message.payload
        message.ack()
    assert (args, kwargs) == ([], {"text": TEXT})
    assert set(embed.values()) == {None}
    assert (message.headers["task"], message.headers["id"]) == ("speech.paragraph", "some-id")
    assert message.properties["priority"] == 3
    assert message.delivery_info["routing_key"] == "espeak"


def test_a_text_costs_its_own_bytes_and_its_repr_is_short() -> None:
    message = new_message("speech.paragraph", "id", {"text": TEXT * 100}, "espeak")
    assert TEXT * 100 in message
    assert len(message.encode()) < len((TEXT * 100).encode()) + 800
    assert len(json.loads(message)["headers"]["kwargsrepr"]) <= 200


def test_two_messages_of_one_task_are_two_deliveries() -> None:
    tags = {opened(new_message("t", "id", {}, "q"))[0]["properties"]["delivery_tag"] for _ in range(2)}
    assert len(tags) == 2


REQUEST = Context(
    {
        "id": "some-id",
        "task": "speech.chapter",
        "args": [],
        "kwargs": {"text": TEXT},
        "root_id": "root",
        "parent_id": "above",
        "group": "group",
        "retries": 1,
        "eta": "2030-01-01T00:00:00",
        "expires": "2030-01-01T00:00:00",
        "callbacks": [{"task": "next"}],
        "errbacks": [{"task": "alas"}],
        "chain": [{"task": "then"}],
        "chord": {"task": "all"},
        "reply_to": "answers",
        "correlation_id": "correlated",
    }
)


def test_a_task_that_is_sent_again_keeps_its_id_and_all_that_follows_it() -> None:
    whole, (args, kwargs, embed) = opened("a tag".join(same_task_again(REQUEST, "flow")))
    assert (args, kwargs) == ([], {"text": TEXT})
    assert embed == {
        "callbacks": [{"task": "next"}],
        "errbacks": [{"task": "alas"}],
        "chain": [{"task": "then"}],
        "chord": {"task": "all"},
    }
    headers, properties = whole["headers"], whole["properties"]
    assert [headers[name] for name in ("id", "task", "root_id", "parent_id", "group", "retries")] == [
        "some-id", "speech.chapter", "root", "above", "group", 1,
    ]  # fmt: skip
    assert (properties["reply_to"], properties["correlation_id"]) == ("answers", "correlated")
    assert properties["delivery_tag"] == "a tag"


def test_a_task_that_is_sent_again_is_not_late_by_its_first_time() -> None:
    whole, _ = opened("tag".join(same_task_again(REQUEST, "flow")))
    assert not {"eta", "expires"} & set(whole["headers"])


def test_a_text_that_holds_a_message_itself_does_not_move_the_place_of_the_tag() -> None:
    inner = new_message("t", "id", {"text": '"delivery_tag":"x"'}, "q")
    request = Context({"id": "id", "task": "t", "kwargs": {"text": inner}})
    whole, (_, kwargs, _) = opened("new".join(same_task_again(request, "q")))
    assert whole["properties"]["delivery_tag"] == "new"
    assert kwargs == {"text": inner}


BODY = json.dumps([[], {"text": TEXT}, {"chain": None}], ensure_ascii=False)


@pytest.mark.parametrize("body", [BODY, BODY.encode(), memoryview(BODY.encode()), json.loads(BODY)], ids=type)
def test_a_copy_has_the_body_and_priority_of_the_request_that_a_child_got(body: Any) -> None:
    headers = {"lang": "py", "task": "t", "id": "id", "retries": 2, "delivery_info": {"priority": 6}, "eta": "later"}
    headers["slotline_variant"] = "anna"
    whole, (_, kwargs, _) = opened(copy_of({**headers, "reply_to": "answers"}, body, "espeak"))
    assert whole["headers"]["slotline_variant"] == "anna"
    assert kwargs == {"text": TEXT}
    assert (whole["headers"]["id"], whole["headers"]["retries"]) == ("id", 2)
    assert "eta" not in whole["headers"]
    properties = whole["properties"]
    assert (properties["priority"], properties["reply_to"]) == (6, "answers")
    assert properties["delivery_info"]["routing_key"] == "espeak"


def test_a_copy_of_a_request_that_says_nothing_of_its_delivery_has_the_first_priority() -> None:
    whole, _ = opened(copy_of({"task": "t", "id": "id", "delivery_info": None}, BODY, "espeak"))
    assert whole["properties"]["priority"] == 0
