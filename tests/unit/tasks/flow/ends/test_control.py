"""The application's own control: what is revoked is in Redis first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from celery import Celery
from celery.result import AsyncResult

from tasks.app import app as own
from tasks.errors import InvalidInput
from tasks.flow.ends.control import LedgerControl
from tasks.flow.ledger import Ledger


@pytest.fixture
def app(broker: str) -> Iterator[Celery]:
    """An application with slotline's own control, on the test's Redis."""
    with Celery("own", broker=broker, backend=broker, control=LedgerControl, set_as_current=False) as made:
        yield made


@pytest.mark.filterwarnings("ignore::celery.exceptions.CPendingDeprecationWarning")
def test_the_application_has_this_control() -> None:
    assert isinstance(own.control, LedgerControl)


def test_a_task_that_waits_and_has_no_record_is_revoked_though_no_worker_lives(app: Celery, raw_redis: Any) -> None:
    app.control.revoke(["one", "other"])
    app.control.terminate("third")
    AsyncResult("fourth", app=app).revoke()
    ids = {"one", "other", "third", "fourth"}
    assert Ledger(raw_redis).queries.cancelled(ids) == ids
    assert {AsyncResult(one, app=app).state for one in ids} == {"REVOKED"}


def test_what_is_no_id_is_refused_before_anything_is_revoked(app: Celery, raw_redis: Any) -> None:
    for wrong in (7, "", "\ud800"):
        with pytest.raises(InvalidInput, match="^id: "):
            app.control.revoke(["good", wrong])
    assert raw_redis.keys("slotline:job:*") == []


def test_stamps_are_refused_in_words(app: Celery) -> None:
    with pytest.raises(InvalidInput, match="revoke by id"):
        app.control.revoke_by_stamped_headers({"stamp": ["a"]})
