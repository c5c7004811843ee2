"""What is said of the workers of a broker."""

from __future__ import annotations

from dataclasses import replace

import pytest
from redis import Redis

from tasks import __version__, health, pauses
from tasks.health import Beat, Standing
from tasks.redis import keys
from tests.unit.tasks.test_health import FLOW, SLOT
from tests.unit.workers.doctor.conftest import said
from workers.doctor.fleet import START_FLOW, of_standings, of_workers


def standing(beat: Beat, why: str = "", version: str = __version__) -> Standing:
    return Standing(replace(beat, version=version), 1.0, why)


def test_the_healthy_ones_are_one_line_and_each_other_has_its_own() -> None:
    other = replace(SLOT, worker="other@there", host="there", pid=7)
    assert said(of_standings([standing(FLOW), standing(SLOT), standing(SLOT), standing(other, "frozen for 20 s")])) == [
        f"✓ workers 3 healthy: 2 of {SLOT.model}, 1 of flow",
        "✗ worker other@there: frozen for 20 s → look at its log: pid 7 on there",
    ]


def test_no_worker_and_no_flow_worker_are_noted() -> None:
    assert said(of_standings([])) == [
        "– workers none lives at this broker → `slotline up`, or `celery -A workers worker --model NAME`"
    ]
    assert said(of_standings([standing(SLOT)]))[1:] == [
        f"– workers none of flow: jobs of several parts (books, chapters, maps) would wait → {START_FLOW}"
    ]


def test_workers_of_other_versions_are_noted_by_name() -> None:
    older, newer = standing(FLOW, version=""), standing(SLOT, version="9.9")
    assert said(of_standings([older, newer, standing(SLOT)]))[1:] == [
        f"– workers {FLOW.worker}: an older slotline, and this is {__version__} → end the upgrade: docs/upgrading.md",
        f"– workers {SLOT.worker}: slotline 9.9, and this is {__version__} → end the upgrade: docs/upgrading.md",
    ]


@pytest.fixture
def model(raw_redis: Redis) -> str:
    """A model with a healthy slot and a message that waits; a flow worker lives, too."""
    for beat in (SLOT, replace(FLOW, worker="flow-0@here")):
        health.write(raw_redis, replace(beat, version=__version__))
    assert SLOT.model
    raw_redis.lpush(SLOT.model, "a message")
    return SLOT.model


def test_a_queue_that_nobody_reads_is_wrong_and_one_that_is_paused_is_noted(model: str, raw_redis: Redis) -> None:
    assert said(of_workers(raw_redis, [model])) == [f"✓ workers 2 healthy: 1 of {model}, 1 of flow"]
    health.forget(raw_redis, SLOT.worker)
    assert said(of_workers(raw_redis, [model]))[1:] == [
        f"✗ queue 1 message waits in the queue '{model}', and no worker reads it → celery -A workers worker --model "
        f"{model}"
    ]
    pauses.pause(raw_redis, model, "me@here")
    (line,) = said(of_workers(raw_redis, [model]))[1:]
    assert line.startswith(f"– paused {model} is paused since 2")
    assert line.endswith(f" by me@here; waiting: 1 message → slotline resume {model}")


def test_messages_that_were_set_aside_are_noted(raw_redis: Redis) -> None:
    raw_redis.lpush(keys.SET_ASIDE, "one", "two")
    assert said(of_workers(raw_redis, []))[1:] == [
        "– set aside 2 messages that could not be done → `slotline failed` says why"
    ]


def test_a_flow_queue_that_nobody_reads_is_wrong(raw_redis: Redis) -> None:
    raw_redis.lpush("flow", "a message")
    assert said(of_workers(raw_redis, []))[1:] == [
        f"✗ queue 1 message waits in the queue 'flow', and no worker reads it → {START_FLOW}"
    ]
