"""The flow worker's pool, without processes: what it hands to Celery's pool, and what it counts."""

from __future__ import annotations

from typing import Any

import pytest
from billiard.exceptions import WorkerLostError
from celery.exceptions import Ignore

from tasks.flow.job import TooSoon
from tasks.flow.ledger import Ledger
from workers.flow import pool as pool_module
from workers.flow.pool import FlowPool
from workers.upstream.billiard import exception_info


def celerys(*args: Any) -> None:
    """Celery's own callback of a time limit."""


class Handed(FlowPool):
    """The pool as its worker has started it, with a list in place of processes."""

    def __init__(self, **limits: Any) -> None:
        super().__init__(1, **limits)
        self.handed: list[dict[str, Any]] = []
        self._submit = self._hand
        self.on_apply = self._apply

    def _hand(self, target: Any, args: Any, kwargs: Any, **options: Any) -> int:
        self.handed.append(options)
        return len(self.handed)

    def give(self, task: str = "speech.chapter", timelimit: Any = None, **options: Any) -> dict[str, Any]:
        headers = {"timelimit": timelimit, "properties": {"delivery_tag": "tag"}}
        args: tuple[Any, ...] = (task, "id", headers, [[], {}, {}], "", "")
        self.answers: list[Any] = []
        self.on_apply(
            None, args, {}, callback=self.answers.append, error_callback=self.answers.append,
            accept_callback=None, timeout_callback=celerys, **options,
        )  # fmt: skip
        return self.handed[-1]


@pytest.fixture
def ledger(raw_redis: Any, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    ledger = Ledger(raw_redis)
    monkeypatch.setattr(pool_module, "ledger", lambda app: ledger)
    return ledger


LOST = exception_info(WorkerLostError("signal 9 (SIGKILL)"))
WORKED: tuple[int, Any, float] = (0, {}, 0.1)


def test_a_jobs_task_has_one_limit_the_shortest_and_no_signal_in_its_midst() -> None:
    handed = Handed(timeout=9.0, soft_timeout=7.0).give(timelimit=[8.0, None], timeout=8.0)
    assert handed["timeout"] == 7.0
    assert "soft_timeout" not in handed
    assert "timeout_callback" not in handed, "Celery would answer, whatever the ledger has"
    assert Handed(timeout=9.0).give(timelimit=[0.2, None], timeout=0.2)["timeout"] == 0.2
    assert Handed().give(soft_timeout=3.0)["timeout"] == 3.0, "its task's own"
    assert Handed().give()["timeout"] is None


def test_another_task_keeps_celerys_own_limits() -> None:
    handed = Handed(timeout=9.0, soft_timeout=7.0).give("celery.chord_unlock", soft_timeout=1.0)
    assert (handed["timeout"], handed["soft_timeout"], handed["timeout_callback"]) == (9.0, 1.0, celerys)


def test_deaths_in_a_row_are_counted_until_a_task_is_finished(ledger: Ledger) -> None:
    pool = Handed()
    for _ in range(2):
        pool.give()["error_callback"](LOST)
    assert pool.deaths == 2
    pool.give()["callback"](WORKED)
    assert pool.deaths == 0
    assert pool.answers == [WORKED]


def test_a_run_that_only_waits_for_its_pause_finishes_no_row(ledger: Ledger) -> None:
    pool = Handed()
    pool.give()["error_callback"](LOST)
    pool.give()["callback"]((1, exception_info(TooSoon("later")), 0.0))
    assert pool.deaths == 1
    pool.give()["callback"]((1, exception_info(Ignore("opened")), 0.0))
    assert pool.deaths == 0


def test_a_row_of_deaths_is_forgotten_when_nothing_has_died_for_a_minute(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = Handed()
    pool.give()["error_callback"](LOST)
    monkeypatch.setattr(pool_module, "ROW_S", -1.0)
    assert pool.deaths == 0


def test_what_runs_when_the_worker_kills_its_children_costs_no_attempt(ledger: Ledger) -> None:
    pool = Handed()
    options = pool.give()
    pool.kill_child()
    options["error_callback"](LOST)
    assert pool.deaths == 0
    assert ledger.claims.lost("id", "other", "", is_job=True) == 0


def test_a_pool_that_takes_nothing_any_more_keeps_nothing(ledger: Ledger) -> None:
    pool = Handed()
    pool._submit = lambda target, args, kwargs, **options: None
    assert (
        pool.on_apply(None, ("speech.chapter", "id", {}, None, "", ""), {}, callback=celerys, error_callback=celerys)
        is None
    )
    pool.kill_child()
    assert not pool._running
