"""Messages in Celery's default queue: slotline's own are sent to their queue, as they are; others are left alone."""

from __future__ import annotations

import json
from typing import Any

import pytest
from celery import Celery
from celery.app.routes import Router
from redis import Redis

from tasks.app import app
from tasks.flow.ledger import Ledger
from tasks.flow.ledger.unaddressed import SLICE_BYTES, queue_for, route
from tasks.offers import Offers, Published
from tests.fixtures.environment import UseCatalog

IN_CELERY, IN_CELERY_3 = "celery", "celery\x06\x163"


@pytest.fixture
def ledger(raw_redis: Redis, use_catalog: UseCatalog) -> Ledger:
    use_catalog('[models.quick]\nadapter = "rehearsal"\n')
    return Ledger(raw_redis)


def read(raw: Any) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(raw)
    return message


def test_slotlines_messages_go_where_they_belong_in_their_order(
    ledger: Ledger, foreign: Celery, raw_redis: Redis
) -> None:
    first, second = (foreign.send_task("speech.paragraph", kwargs={"model": "quick", "text": "x"}) for _ in range(2))
    foreign.send_task("speech.chapter", kwargs={"model": "quick", "text": "x"}, priority=4)
    assert ledger.unaddressed.address(100) == 3
    assert (raw_redis.llen(IN_CELERY), raw_redis.llen(IN_CELERY_3)) == (0, 0)
    taken = [read(raw_redis.rpop("quick")) for _ in range(2)]
    assert [one["headers"]["id"] for one in taken] == [first.id, second.id]
    assert taken[0]["properties"]["delivery_info"] == {"exchange": "", "routing_key": "quick"}
    assert read(raw_redis.rpop("flow\x06\x163"))["properties"]["priority"] == 4
    assert ledger.unaddressed.address(100) == 0


def test_only_its_queue_changes_in_a_message(ledger: Ledger, foreign: Celery, raw_redis: Redis) -> None:
    foreign.send_task("speech.paragraph", kwargs={"model": "quick", "text": "Hắn – vừa"}, countdown=5, expires=60)
    before = read(raw_redis.lindex(IN_CELERY, 0))
    assert ledger.unaddressed.address(100) == 1
    after = read(raw_redis.lindex("quick", 0))
    before["properties"].pop("delivery_info")
    after["properties"].pop("delivery_info")
    assert after == before


def test_what_belongs_to_another_application_is_not_touched(ledger: Ledger, foreign: Celery, raw_redis: Redis) -> None:
    foreign.send_task("other.task", kwargs={"model": "quick"})
    for odd in (b"no message", b"[]", b"7", b'{"headers": {"task": "speech.chapter"}}', b"\xff\x00", b'"task"', b""):
        raw_redis.lpush(IN_CELERY, odd)
    before = raw_redis.lrange(IN_CELERY, 0, -1)
    assert ledger.unaddressed.address(100) == 0
    assert raw_redis.lrange(IN_CELERY, 0, -1) == before


def foreign_messages(raw_redis: Redis, count: int, size: int = 1) -> None:
    """What waits for another application's workers, which are away."""
    raw_redis.lpush(IN_CELERY, *(json.dumps({"body": "x" * size, "headers": {"task": "other.task"}}),) * count)


def test_one_that_comes_behind_a_long_queue_of_another_application_is_found_at_once(
    ledger: Ledger, foreign: Celery, raw_redis: Redis
) -> None:
    foreign_messages(raw_redis, 90)
    foreign.send_task("speech.chapter", kwargs={"model": "quick", "text": "x"})
    foreign_messages(raw_redis, 9)
    assert ledger.unaddressed.address(10) == 1
    assert (raw_redis.llen("flow"), raw_redis.llen(IN_CELERY)) == (1, 99)


def test_one_in_a_long_queue_is_found_after_some_looks_whatever_comes_and_is_taken_meanwhile(
    ledger: Ledger, foreign: Celery, raw_redis: Redis
) -> None:
    foreign_messages(raw_redis, 200)
    foreign.send_task("speech.chapter", kwargs={"model": "quick", "text": "x"})
    foreign_messages(raw_redis, 45)
    moved = 0
    for _ in range(9):
        moved += ledger.unaddressed.address(10)
        foreign_messages(raw_redis, 5)
        raw_redis.rpop(IN_CELERY, 13)
    assert moved == 1
    foreign_messages(raw_redis, 30)
    foreign.send_task("speech.chapter", kwargs={"model": "quick", "text": "x"})
    foreign_messages(raw_redis, 30)
    looks = -(-raw_redis.llen(IN_CELERY) // 10)
    assert sum(ledger.unaddressed.address(10) for _ in range(looks + 3)) == 1, "from its beginning again"


def test_another_applications_messages_do_not_leave_redis(ledger: Ledger, raw_redis: Any) -> None:
    foreign_messages(raw_redis, 100, size=10_000)
    before = raw_redis.info("stats")["total_net_output_bytes"]
    assert ledger.unaddressed.address(100) == 0
    assert raw_redis.info("stats")["total_net_output_bytes"] - before < 50_000


def test_of_long_messages_few_are_looked_at_at_once(ledger: Ledger, foreign: Celery, raw_redis: Redis) -> None:
    foreign.send_task("speech.chapter", kwargs={"model": "quick", "text": "x"})
    foreign_messages(raw_redis, 60, size=SLICE_BYTES // 15)
    assert [ledger.unaddressed.address(100) for _ in range(4)] == [0, 0, 1, 0]


def test_a_model_that_nobody_knows_fails_in_words_and_one_that_is_offered_is_known(
    ledger: Ledger, foreign: Celery, raw_redis: Redis
) -> None:
    Offers(raw_redis).publish(Published("elsewhere", "rehearsal", "1", 22050))
    for model in ("nobody", "elsewhere"):
        foreign.send_task("speech.paragraph", kwargs={"model": model, "text": "x"})
    assert ledger.unaddressed.address(100) == 2
    assert (raw_redis.llen("flow"), raw_redis.llen("elsewhere"), raw_redis.llen("nobody")) == (1, 1, 0)


def test_a_message_that_was_taken_meanwhile_is_not_sent_twice(ledger: Ledger, raw_redis: Redis) -> None:
    assert ledger.unaddressed._scripts.run("move", [IN_CELERY, "quick"], ["gone", "new"]) == 0
    assert raw_redis.llen("quick") == 0


@pytest.mark.parametrize(
    ("task", "kwargs", "queue"),
    [
        ("speech.chapter", {"model": "espeak"}, "flow"),
        ("infer.map", {}, "flow"),
        ("speech.paragraph", {"model": "espeak"}, "espeak"),
        ("summary.part", {"model": "bart"}, "bart"),
        ("speech.paragraph", {"model": "unknown"}, "flow"),
        ("speech.paragraph", {"model": "celery"}, "flow"),
        ("speech.paragraph", {"model": "a b"}, "flow"),
        ("speech.paragraph", {"model": 7}, "flow"),
        ("speech.paragraph", {}, "flow"),
        ("other.task", {"model": "espeak"}, None),
    ],
)
def test_a_job_goes_to_flow_and_an_input_to_its_model(task: str, kwargs: dict[str, Any], queue: str | None) -> None:
    assert queue_for(task, kwargs, is_known=lambda model: model != "unknown") == queue


@pytest.mark.filterwarnings("ignore::celery.exceptions.CPendingDeprecationWarning")
def test_slotlines_own_application_sends_there_by_itself() -> None:
    router: Router = app.amqp.router

    def sent_to(task: str, **options: Any) -> str:
        return str(router.route(options, task, (), {"model": "espeak"})["queue"].name)

    assert sent_to("speech.paragraph") == "espeak"
    assert sent_to("speech.chapter") == "flow"
    assert sent_to("other.task") == "celery"
    assert str(router.route({"queue": "mine"}, "speech.chapter", (), {})["queue"].name) == "mine", (
        "who names one means it"
    )
    assert route("other.task", (), None, {}) is None
