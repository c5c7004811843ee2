"""The step of a film of a text: what a person sees while it is spoken, and while it is shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from producer import Client, Progress
from producer.display import steps
from producer.display.steps import Steps
from tasks.errors import BrokerUnavailable


class Bar:
    """A bar that notes what it is told."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def begin(self, name: str) -> None:
        self.told.append(name)

    def update(self, progress: Progress) -> None:
        self.told.append(progress.state)


@pytest.fixture
def client(broker: str, catalog_file: Path) -> Client:
    return Client()


def steps_of(client: Client, bar: Any) -> Steps:
    return Steps(bar, client.connection, "film", "Tale")


def test_the_later_step_of_a_text_is_shown_and_not_the_job_itself(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "LOOK_EVERY_S", 0.0)
    bar = Bar()
    shown = steps_of(client, bar)
    shown.on_progress(Progress("PENDING"))
    for ending in ("1", "2"):
        client.submit_book([{"text": "One."}], model="quick", job_id=f"film.{ending}")
        shown.on_look()
        shown.on_progress(Progress("PROGRESS"))
    assert bar.told == ["PENDING", "Tale: speech", "PENDING", "Tale: film", "PENDING"]


def test_the_film_of_a_sound_is_shown_itself_also_while_redis_is_away(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    bar = Bar()
    shown = steps_of(client, bar)
    shown.on_look()
    shown.on_progress(Progress("PROGRESS"))

    def away(*_: object) -> None:
        raise BrokerUnavailable("away")

    monkeypatch.setattr(steps, "look", away)
    steps_of(client, bar).on_look()
    assert bar.told == ["PROGRESS"]
