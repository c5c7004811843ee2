"""Checks that run side by side: whatever one of them does, the others are told."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from tasks.errors import StoreError
from tests.unit.workers.doctor.conftest import said
from workers.doctor.examination import Check, examine
from workers.doctor.finding import Finding, fine


def test_findings_come_in_the_order_of_the_checks_however_long_each_takes() -> None:
    second_is_done = threading.Event()

    def slow() -> Iterator[Finding]:
        second_is_done.wait(60)
        yield fine("first", "1")
        yield fine("first", "2")

    def quick() -> list[Finding]:
        second_is_done.set()
        return [fine("second", "3")]

    assert said(examine([Check("first", slow), Check("second", quick)], 60)) == ["✓ first 1", "✓ first 2", "✓ second 3"]


def test_what_hangs_is_one_line_and_costs_the_others_nothing() -> None:
    for_ever = threading.Event()

    def hangs() -> list[Finding]:
        for_ever.wait()
        return []

    checks = [Check("store", hangs, "look at the disk"), Check("other", lambda: [fine("other", "well")])]
    assert said(examine(checks, 0.2)) == [
        "✗ store no answer within 0.2 s: what it stands on hangs → look at the disk",
        "✓ other well",
    ]
    for_ever.set()


def test_what_raises_is_one_line_in_its_own_words() -> None:
    def refuses() -> list[Finding]:
        raise StoreError("store /x: it is full")

    def breaks() -> Iterator[Finding]:
        yield fine("b", "lost with the error")
        raise ImportError("no module")

    assert said(examine([Check("a", refuses), Check("b", breaks)], 60)) == [
        "✗ a store /x: it is full",
        "✗ b it could not be looked at: ImportError: no module",
    ]
