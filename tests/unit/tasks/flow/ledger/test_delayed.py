"""What waits in Redis until it is due: how much there is, and what is let go at once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tasks.flow.cancel import cancel
from tasks.flow.ledger import Ledger
from tasks.redis import keys

FAR = 9e15
IDS = ["plain", 'quote " and \\', "Chí Phèo", "[a-z]*?^", "line\nend", "half \ud800"]


def delay(raw_redis: Any, task_id: str, due_ms: float = FAR, ensure_ascii: bool = True) -> None:
    message = json.dumps({"headers": {"id": task_id, "eta": "2100-01-01T00:00:00Z"}}, ensure_ascii=ensure_ascii)
    raw_redis.zadd(keys.DELAYED, {f"q\n{message}".encode(): due_ms})


def due(raw_redis: Any) -> list[bytes]:
    found: list[bytes] = raw_redis.zrangebyscore(keys.DELAYED, "-inf", FAR - 1)
    return found


@pytest.mark.parametrize("task_id", IDS)
def test_a_tasks_messages_are_found_by_any_id_and_no_others(ledger: Ledger, raw_redis: Any, task_id: str) -> None:
    delay(raw_redis, task_id)
    for other in ("another", f"{task_id}.1", f"x{task_id}"):
        delay(raw_redis, other)
    raw_redis.zadd(keys.DELAYED, {b"rubbish": FAR, b"q\n\xff": FAR, f"q\n{json.dumps(task_id)}".encode(): FAR})
    assert ledger.delayed.hasten(task_id) == 1
    (entry,) = due(raw_redis)
    assert json.loads(entry.partition(b"\n")[2])["headers"]["id"] == task_id


def test_an_id_in_utf_8_is_found_too(ledger: Ledger, raw_redis: Any) -> None:
    delay(raw_redis, "Chí Phèo", ensure_ascii=False)
    assert ledger.delayed.hasten("Chí Phèo") == 1


def test_what_is_cancelled_while_it_waits_is_sent_so_that_it_ends(ledger: Ledger, raw_redis: Any) -> None:
    delay(raw_redis, "one")
    assert cancel(ledger, "one", lambda ids: None, even_unknown=True)
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
