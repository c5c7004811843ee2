"""What the tests of the doctor share: a short view of findings, and cards behind a fake of NVIDIA's library."""

from __future__ import annotations

from collections.abc import Iterable

from tests.unit.workers.slots.conftest import cards
from workers.doctor.finding import Finding

__all__ = ["cards"]


def said(findings: Iterable[Finding]) -> list[str]:
    """The lines without the spaces that align them."""
    return [" ".join(one.line().split()) for one in findings]
