"""Kombu's private parts that are called and not subclassed: where it finds its transports, and its event loop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kombu.asynchronous import get_event_loop
from kombu.transport import TRANSPORT_ALIASES


def add_transports(paths: Mapping[str, str]) -> None:
    """Have kombu find a transport class (`module:class`) by each of these URL schemes."""
    TRANSPORT_ALIASES.update(paths)


def current_loop() -> Any:
    """The event loop of this worker's parent; None where Celery runs without one."""
    return get_event_loop()
