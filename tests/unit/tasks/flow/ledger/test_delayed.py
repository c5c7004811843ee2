"""What waits in Redis until it is due: how much there is, and what is let go at once."""

from __future__ import annotations

import json
from typing import Any

import pytest
from redis.connection import Connection

from tasks.flow.cancel import cancel
from tasks.flow.ledger import Ledger
from tasks.flow.ledger.delayed import Walk
from tasks.redis import keys

FAR = 9e15
IDS = ["plain", 'quote " and \\', "Chí Phèo", "[a-z]*?^", "line\nend"]


def delay(raw_redis: Any, task_id: str, due_ms: float = FAR, ensure_ascii: bool = True) -> None:
    message = json.dumps({"headers": {"id": task_id, "eta": "2100-01-01T00:00:00Z"}}, ensure_ascii=ensure_ascii)
    raw_redis.zadd(keys.DELAYED, {f"q\n{message}".encode(): due_ms})


def due(raw_redis: Any) -> list[bytes]:
    found: list[bytes] = raw_redis.zrangebyscore(keys.DELAYED, "-inf", FAR - 1)
    return found


def walked(ledger: Ledger) -> int:
    """Walks until nothing is asked any more; gives the number of steps."""
    walk, steps = ledger.delayed.hasten(Walk()), 1
    while walk.cursor or walk != ledger.delayed.hasten(walk):
        walk, steps = ledger.delayed.hasten(walk), steps + 1
    return steps


@pytest.mark.parametrize("ensure_ascii", [True, False])
@pytest.mark.parametrize("task_id", IDS)
def test_a_cancelled_tasks_messages_are_due_whatever_its_id_and_no_others(
    ledger: Ledger, raw_redis: Any, task_id: str, ensure_ascii: bool
) -> None:
    delay(raw_redis, task_id, ensure_ascii=ensure_ascii)
    for other in ("another", f"{task_id}.1", f"x{task_id}", "half \ud800", "of:parts"):
        delay(raw_redis, other)
    raw_redis.rpush(keys.parts("of"), "a part")
    raw_redis.zadd(keys.DELAYED, {b"rubbish": FAR, b"q\n\xff": FAR, f"q\n{json.dumps(task_id)}".encode(): FAR})
    assert cancel(ledger, task_id, lambda ids: None, even_unknown=True)
    walked(ledger)
    (entry,) = due(raw_redis)
    assert json.loads(entry.partition(b"\n")[2])["headers"]["id"] == task_id


def test_cancelling_reads_no_delayed_message_and_each_step_reads_a_bounded_number(
    ledger: Ledger, raw_redis: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[Any] = []
    send: Any = Connection.send_packed_command

    def noted(connection: Any, *args: Any, **kwargs: Any) -> None:
        commands.append(args)
        send(connection, *args, **kwargs)

    for n in range(3000):
        delay(raw_redis, f"task {n}")
    assert cancel(ledger, "task 0", lambda ids: None, even_unknown=True)
    monkeypatch.setattr(Connection, "send_packed_command", noted)
    for n in range(1, 30):
        assert cancel(ledger, f"task {n}", lambda ids: None, even_unknown=True)
    assert len(commands) == 29 * 2, "the same for each, however many wait"
    monkeypatch.setattr(Connection, "send_packed_command", send)
    assert 3 <= walked(ledger) <= 20
    assert len(due(raw_redis)) == 30, "one walk for all"


def test_what_is_cancelled_during_a_walk_is_found_by_the_next_one_and_then_no_walk_begins(
    ledger: Ledger, raw_redis: Any
) -> None:
    for n in range(1500):
        delay(raw_redis, f"task {n}")
    assert cancel(ledger, "task 0", lambda ids: None, even_unknown=True)
    walk = ledger.delayed.hasten(Walk())
    assert walk.cursor
    for n in range(1500):
        assert ledger.transitions.cancel(f"task {n}", even_unknown=True).ids or n == 0
    while walk.cursor:
        walk = ledger.delayed.hasten(walk)
    walked(ledger)
    assert len(due(raw_redis)) == 1500
    assert ledger.delayed.hasten(Walk()) == Walk(), "a new sweeper has nothing to do"


def test_where_nothing_is_delayed_no_walk_is_asked_for(ledger: Ledger, raw_redis: Any) -> None:
    assert cancel(ledger, "one", lambda ids: None, even_unknown=True)
    assert not raw_redis.exists(keys.HASTEN)
    assert ledger.delayed.hasten(Walk()) == Walk()


def test_what_is_cancelled_while_it_waits_is_sent_so_that_it_ends(ledger: Ledger, raw_redis: Any) -> None:
    delay(raw_redis, "one")
    assert cancel(ledger, "one", lambda ids: None, even_unknown=True)
    walked(ledger)
    assert ledger.transitions.promote() == 1
    assert raw_redis.llen("q") == 1
    assert ledger.queries.cancelled(["one"]) == {"one"}


def test_how_many_wait_and_for_how_long(ledger: Ledger, raw_redis: Any) -> None:
    assert ledger.delayed.waiting() is None
    now_s, _ = raw_redis.time()
    delay(raw_redis, "a", (now_s + 100) * 1000)
    delay(raw_redis, "b", (now_s + 50) * 1000)
    waiting = ledger.delayed.waiting()
    assert waiting is not None
    assert waiting.count == 2
    assert waiting.next_s == pytest.approx(50, abs=30)
    assert len(list(ledger.delayed.messages())) == 2
