"""Which craft computes the parts of a task."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.messages import lookup
from tasks.store.names import checked_name
from workers.sidecar import crafts
from workers.sidecar.crafts import summary
from workers.sidecar.crafts.base import SlotCraft


def test_each_craft_that_has_messages_is_computed_by_its_task() -> None:
    assert {one.request.task: one for one in lookup.crafts().values()} == {
        task: slot_craft.craft for task, slot_craft in crafts.by_task().items()
    }
    assert crafts.by_task()["summary.part"] is summary.CRAFT


@pytest.mark.parametrize("task", ["speech.chapter", "celery.chord_unlock"])
def test_a_task_that_no_craft_computes_has_none(task: str) -> None:
    assert task not in crafts.by_task()


@pytest.mark.parametrize("slot_craft", crafts.by_task().values(), ids=list(crafts.by_task()))
def test_a_crafts_artifacts_can_be_named(slot_craft: SlotCraft[Any, Any]) -> None:
    assert checked_name(f"{slot_craft.craft.name}/ab/abc.{slot_craft.extension}")
