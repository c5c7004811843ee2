"""A request that was delivered when it was due: no eta for Celery's timer, and it expires by Redis' clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from importlib import resources
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from kombu import Connection

from tasks.redis import keys
from tests.unit.workers.transport.conftest import drain, message
from workers.transport.due_request import DueRequest, fault_of_eta

ZONES = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
LUA = (resources.files("tasks.redis") / "lua" / "delayed.lua").read_text("utf-8")
QUICK = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
PAST, TO_COME = "2020-01-01T00:00:00+00:00", "2100-01-01T00:00:00+00:00"


def ms_in_lua(client: Any, text: str) -> float | None:
    """What the reserve reads in an eta."""
    read = client.eval(f"{LUA}\nlocal ms = ms_of(ARGV[1])\nreturn ms and string.format('%.17g', ms)", 0, text)
    return None if read is None else float(read)


@settings(QUICK, max_examples=150)
@given(moment=st.datetimes(timezones=st.none() | ZONES), separator=st.sampled_from("T "))
def test_a_time_of_any_zone_is_the_same_for_redis_and_for_python(
    raw_redis: Any, moment: datetime, separator: str
) -> None:
    text = moment.isoformat(separator)
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    assert fault_of_eta(text) is None
    assert ms_in_lua(raw_redis, text) == pytest.approx((aware - datetime.fromtimestamp(0, UTC)).total_seconds() * 1000)


@settings(QUICK, max_examples=300)
@given(text=st.from_regex(r"20[0-9]{2}-[0-3][0-9]-[0-9]{2}.{0,1}[0-9]{2}:[0-9]{2}(:[0-9]{2})?.{0,8}", fullmatch=True))
@example(text="2026-02-29T00:00:00")
@example(text="2024-02-29")
@example(text="2026-01-31T12:00:00.1234567890Z")
@example(text="2026-01-31T24:00:00Z")
@example(text="2026-01-31T23:59:60Z")
@example(text="2026-01-31T12:00:00+24:00")
@example(text="2026-01-31T12:00:00+0760")
@example(text="2026-W05-6")
@example(text="٢٠٢٦-01-31T12:00:00")
@example(text="2026-01-31T12:00:00Z\n")
@example(text="")
def test_what_redis_cannot_read_is_refused_and_nothing_else(raw_redis: Any, text: str) -> None:
    assert (ms_in_lua(raw_redis, text) is None) == (fault_of_eta(text) is not None)


def note(*args: Any) -> None:
    """The task."""


@pytest.fixture
def events() -> list[tuple[str, dict[str, Any]]]:
    return []


@pytest.fixture
def request_of(app: Celery, reading: Connection, redis_client: Any, events: list[Any]) -> Any:
    """`request_of(**headers)`: the request of a message that was reserved."""
    app.conf.update(task_ignore_result=True)
    task = app.task(note)
    eventer = SimpleNamespace(enabled=True, send=lambda kind, **fields: events.append((kind, fields)))

    def make(**headers: Any) -> DueRequest:
        redis_client.lpush("q", message(**headers))
        (taken,) = drain(reading, 1)
        return DueRequest(taken, app=app, task=task, eventer=eventer, hostname="here")

    return make


def test_celery_sees_no_eta_but_the_task_and_flower_do(request_of: Any, events: list[Any]) -> None:
    request = request_of(eta=PAST)
    assert request.eta is None
    assert request.request_dict["eta"] == PAST
    request.send_event("task-started")
    assert events == [("task-started", {"uuid": request.id, "eta": PAST})]


def test_without_an_eta_nothing_is_added(request_of: Any, events: list[Any]) -> None:
    request = request_of()
    request.send_event("task-started")
    assert events == [("task-started", {"uuid": request.id})]


def test_it_expires_by_redis_clock(request_of: Any) -> None:
    request = request_of(expires=PAST)
    assert request.maybe_expire()
    assert request.revoked()
    request = request_of(expires=TO_COME)
    assert not request.maybe_expire()
    request.message.channel.leases._server_clock = (datetime.fromisoformat("2100-01-02").timestamp(), 0.0)
    assert request.maybe_expire()


def test_a_job_that_has_begun_does_not_expire(request_of: Any, redis_client: Any) -> None:
    for state, expires in (("sent", True), ("open", False), ("finishing", False)):
        redis_client.hset(keys.job(state), "state", state)
        assert bool(request_of(id=state, expires=PAST).maybe_expire()) is expires


def test_the_message_of_another_transport_is_left_to_celery(app: Celery, broker: str, redis_client: Any) -> None:
    redis_client.lpush("q", message(eta=TO_COME, expires=PAST))
    with Connection(broker) as plain:
        taken = plain.default_channel.basic_get("q")
        request = DueRequest(taken, app=app, task=app.task(note), hostname="here")
        assert request.eta == datetime.fromisoformat(TO_COME)
        assert request.maybe_expire()
        taken.ack()
