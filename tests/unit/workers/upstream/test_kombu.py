"""Kombu finds a transport by its scheme, and its event loop by itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kombu import Connection
from kombu.asynchronous import Hub, set_event_loop
from kombu.transport import TRANSPORT_ALIASES
from kombu.transport.memory import Transport

from workers.upstream.kombu import add_transports, current_loop


def test_a_transport_is_found_by_the_scheme_that_it_was_added_under(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, path in TRANSPORT_ALIASES.items():
        monkeypatch.setitem(TRANSPORT_ALIASES, name, path)  # so that what is added goes with this test
    monkeypatch.setitem(TRANSPORT_ALIASES, "made-up", "")
    add_transports({"made-up": "kombu.transport.memory:Transport"})
    assert isinstance(Connection("made-up://").transport, Transport)


@pytest.fixture
def loop() -> Iterator[Hub]:
    """A current event loop, which is gone again afterwards."""
    hub = Hub()
    set_event_loop(hub)
    yield hub
    set_event_loop(None)
    hub.close()


def test_the_current_loop_is_the_one_that_was_set(loop: Hub) -> None:
    assert current_loop() is loop


def test_without_an_event_loop_there_is_none() -> None:
    assert current_loop() is None
