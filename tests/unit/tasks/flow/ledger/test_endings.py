"""The ends of runs are written together; each answer stands where its write stood."""

from __future__ import annotations

from typing import Any

from redis.exceptions import ResponseError

from tasks.flow.ledger import Ledger
from tasks.flow.ledger.record import Settlement, StoredResult
from tasks.redis import keys
from tests.unit.tasks.flow.ledger.opened_jobs import opened


def test_each_answer_belongs_to_its_write_also_where_one_is_refused(raw_redis: Any, ledger: Ledger) -> None:
    job = opened(ledger, 2)
    raw_redis.rpush("odd", "no string")
    settlements = [Settlement(job, 1, "done", {}), Settlement(job, 1, "done", {}), Settlement(job, 2, "done", {})]
    results = [StoredResult("odd", "value", 60), StoredResult(keys.RESULT_PREFIX + "good", "value", 60)]
    written = ledger.endings.write(settlements, results, [("artifact", "tag")])
    assert written.settled == ["done", "late", "done"]
    odd, good = written.stored
    assert isinstance(odd, ResponseError)
    assert (good, list(written.released)) == (1, [0])


def test_nothing_to_write_asks_nobody(ledger: Ledger) -> None:
    written = ledger.endings.write([], [], [])
    assert (written.settled, written.stored, written.released) == ([], [], [])
