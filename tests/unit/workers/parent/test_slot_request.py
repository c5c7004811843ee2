"""One request of a slot: by which ids it is known, and what its callbacks may cost."""

from __future__ import annotations

from typing import Any

import pytest

from workers.parent.slot_request import SlotRequest
from workers.wire.call import Call


def request(body: Any = ([], {}, {}), **callbacks: Any) -> SlotRequest:
    """A request with the id `one`."""

    def ignore(*args: Any) -> None: ...

    return SlotRequest(
        Call("task", "one", {}, body, "", ""),
        callbacks.get("callback", ignore),
        callbacks.get("error_callback", ignore),
        callbacks.get("accept_callback", ignore),
        limit=None,
        on_terminate=callbacks.get("on_terminate", ignore),
    )


@pytest.mark.parametrize(
    ("body", "ids"),
    [
        (([], {"job": "book", "part": 3}, {}), ("one", "book")),
        (([], {"text": "alone"}, {}), ("one",)),
        (([], {"job": 7}, {}), ("one",)),
        (b"nonsense", ("one",)),
    ],
)
def test_it_is_cancelled_by_its_own_id_or_its_jobs(body: Any, ids: tuple[str, ...]) -> None:
    assert request(body).ids == ids


def test_that_the_child_has_it_is_passed_on_once_though_it_is_handed_over_twice() -> None:
    heard: list[tuple[int, float]] = []
    one = request(accept_callback=lambda pid, accepted: heard.append((pid, accepted)))
    one.accept(1, 10.0)
    one.accept(2, 20.0)
    assert heard == [(1, 10.0)]


def test_a_callback_that_raises_costs_nobody_else_anything_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    def broken(*args: Any) -> None:
        raise ZeroDivisionError

    one = request(callback=broken, error_callback=broken, accept_callback=broken)
    one.accept(1, 10.0)
    one.succeed((0, "made", 0.1))
    one.fail(RuntimeError("lost"))
    assert [record.getMessage() for record in caplog.records] == ["a request's broken failed"] * 3


def test_an_error_reaches_celery_as_billiard_would_hand_it_over() -> None:
    heard: list[Any] = []
    request(error_callback=heard.append).fail(RuntimeError("lost"))
    assert str(heard[0].exception.exc) == "lost"


def test_terminating_it_says_by_which_signal() -> None:
    heard: list[SlotRequest] = []
    one = request(on_terminate=heard.append)
    one.terminate(9)
    assert (heard, one.signal) == ([one], 9)
