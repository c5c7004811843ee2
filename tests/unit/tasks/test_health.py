"""What is healthy: one line says why not. The judging alone; real workers stand in `tests/faults/test_health.py`."""

from __future__ import annotations

import json
from dataclasses import asdict, fields, replace

import pytest
from redis import Redis

from tasks import health
from tasks.health import Beat, why_unhealthy
from tasks.redis import keys

SLOT = Beat(
    worker="espeak-cpu-0@here",
    host="here",
    pid=7,
    model="espeak",
    state="ready",
    state_s=60.0,
    child_alive=True,
    busy_s=None,
    done_s=None,
    stall_s=120.0,
    waiting=0,
    stuck_s=0.0,
    failures=0,
    deaths=0,
    closed="",
    beat_s=5.0,
)
FLOW = replace(SLOT, model=None, state="running", stall_s=None)


@pytest.mark.parametrize(
    "beat",
    [
        SLOT,
        FLOW,
        replace(SLOT, state="busy", busy_s=100.0, waiting=500),
        replace(SLOT, failures=2, deaths=2),
        replace(SLOT, state="unloaded", on_demand=True),
        replace(SLOT, reads=False),
    ],
)
def test_what_works_is_healthy(beat: Beat) -> None:
    assert why_unhealthy(beat, age_s=4.9) == ""


@pytest.mark.parametrize(
    ("beat", "age_s", "why"),
    [
        (SLOT, 17.0, "no heartbeat for 17 s"),
        (replace(SLOT, state="loading", state_s=12.0), 1.0, "its model is not loaded (loading for 12 s)"),
        (replace(SLOT, state="unloaded", child_alive=False), 1.0, "its child is gone (unloaded)"),
        (
            replace(SLOT, stage="putting away", stage_s=72.0),
            3.0,
            "putting away for 75 s: the store, Redis or the process beside its model hangs",
        ),
        (replace(SLOT, busy_s=118.0), 3.0, "busy with one batch for 121 s, which is longer than stall_s = 120"),
        (replace(SLOT, failures=3), 1.0, "its model failed on the last 3 different parts"),
        (replace(SLOT, deaths=3), 1.0, "its child died 3 times in a row"),
        (replace(SLOT, stuck_s=12.0, waiting=8), 1.0, "idle for 12 s though 8 messages wait in its queue"),
        (replace(FLOW, stuck_s=12.0, waiting=8), 1.0, "idle for 12 s though 8 messages wait in its queue"),
        (replace(SLOT, closed="espeak failed everything"), 1.0, "espeak failed everything"),
        (replace(SLOT, reads=False, waiting=2), 1.0, "it reads no queue since `cancel_consumer`"),
    ],
)
def test_what_does_not_work_says_why(beat: Beat, age_s: float, why: str) -> None:
    assert why in why_unhealthy(beat, age_s)


def test_what_no_longer_beats_is_called_so_whatever_else_it_last_said() -> None:
    last = replace(SLOT, closed="its model failed", child_alive=False)
    assert why_unhealthy(last, age_s=16.0) == "its model failed", "three beats and a second are waited for"
    assert why_unhealthy(last, age_s=16.1).startswith("no heartbeat for 16 s")


def test_a_beat_of_another_version_is_read() -> None:
    newer = json.dumps({**asdict(SLOT), "of a later version": [1]})
    older = json.dumps({name: value for name, value in asdict(SLOT).items() if name not in ("on_demand", "reads")})
    assert Beat.parse(newer) == SLOT
    assert Beat.parse(older) == SLOT


def test_a_queue_with_messages_that_no_worker_reads_is_left_over() -> None:
    queues = {"bart": 2, "espeak": 1, "flow": 1, "idle": 0}
    flow, slot = (health.Standing(beat, 1.0, "") for beat in (FLOW, SLOT))
    assert health.unattended(queues, [slot]) == {"bart": 2, "flow": 1}
    assert health.unattended(queues, [slot, flow]) == {"bart": 2}
    stopped = health.Standing(replace(SLOT, reads=False), 1.0, "")
    assert health.unattended(queues, [stopped, flow]) == {"bart": 2, "espeak": 1}


def test_a_beat_can_be_read_by_an_older_version_which_takes_exactly_its_own_fields(broker: str) -> None:
    beat = replace(SLOT, machine="m", reads=False, refused="no right", store="s", version="9")
    own = {*(field.name for field in fields(Beat))} - set(health.NEWER_FIELDS)
    with Redis.from_url(broker) as client:
        health.write(client, beat)
        assert {*json.loads(str(client.get(keys.health(SLOT.worker)), "utf-8"))} == own
        assert [standing.beat for standing in health.read(client)] == [beat]
        client.delete(keys.health_more(SLOT.worker))
        assert [standing.beat for standing in health.read(client)] == [SLOT], "a beat of an older version"
        health.write(client, beat)
        health.forget(client, SLOT.worker)
        assert client.keys("slotline:*") == []


def test_the_age_of_a_beat_is_told_by_redis_and_by_no_hosts_clock(broker: str) -> None:
    with Redis.from_url(broker) as client:
        health.write(client, SLOT)
        client.pexpire(keys.health(SLOT.worker), int(health.KEPT_S * 1000) - 40_000)
        (standing,) = health.read(client)
        assert standing.age_s == pytest.approx(40.0, abs=1.0)
        assert "no heartbeat for 40 s" in standing.why
        health.forget(client, SLOT.worker)
        assert health.read(client) == []
