"""Which remote control commands are refused; real workers get each in `tests/acceptance/test_celery_page.py`."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from celery.worker.control import Panel

from workers.duties.celery_commands import RULES, Asked, install, why_refused


def asked(command: str, is_slot: bool, **arguments: Any) -> Asked:
    queue, processes = ("espeak", 1) if is_slot else ("flow", 2)
    return Asked(command, arguments, is_slot, queue, processes)


@pytest.mark.parametrize("command", ["pool_grow", "pool_shrink", "time_limit", "autoscale", "pool_restart", "election"])
def test_a_slot_stays_one_child_with_one_model(command: str) -> None:
    why = why_refused(asked(command, is_slot=True))
    assert why
    assert "\n" not in why


@pytest.mark.parametrize("command", ["add_consumer", "cancel_consumer"])
@pytest.mark.parametrize(("is_slot", "own", "other"), [(True, "espeak", "flow"), (False, "flow", "espeak")])
def test_a_worker_pauses_its_own_queue_and_reads_no_other(command: str, is_slot: bool, own: str, other: str) -> None:
    assert why_refused(asked(command, is_slot, queue=own)) == ""
    assert repr(other) in why_refused(asked(command, is_slot, queue=other))
    assert why_refused(asked(command, is_slot))


@pytest.mark.parametrize(
    ("command", "number", "is_refused"),
    [
        ("pool_grow", 1, False),
        ("pool_grow", 0, True),
        ("pool_grow", "2", True),
        ("pool_shrink", 1, False),
        ("pool_shrink", 2, True),
        ("pool_shrink", -1, True),
    ],
)
def test_a_flow_worker_grows_and_shrinks_but_keeps_a_process(command: str, number: Any, is_refused: bool) -> None:
    assert bool(why_refused(asked(command, False, n=number))) is is_refused


def test_celerys_commands_are_wrapped_once_and_answer_the_refusal(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ran: list[Any] = []

    def original(state: Any, **arguments: Any) -> dict[str, str]:
        ran.append(arguments)
        return {"ok": "ran"}

    for name in RULES:
        monkeypatch.setitem(Panel.data, name, original)
    install()
    install()
    state = SimpleNamespace(consumer=SimpleNamespace(pool=SimpleNamespace(num_processes=2)))
    assert Panel.data["add_consumer"](state, queue="espeak") == {
        "error": "add_consumer: queue: this worker reads 'flow' and no other, not 'espeak'"
    }
    assert "remote control: add_consumer is refused" in caplog.text
    assert ran == []
    assert Panel.data["pool_grow"](state, n=1) == {"ok": "ran"}
    assert ran == [{"n": 1}]
