"""What the ledger hears from a slot's pool of runs that did not end by themselves.

A run is counted before it begins, inside the child (`workers/child/claim.py`); only the parent
knows how one was lost. Guarantee: nothing here raises, for the messages go back all the same.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from redis import RedisError

from tasks.errors import InvalidInput
from tasks.flow.ledger import Ledger
from tasks.flow.payloads import part_of

logger = logging.getLogger(__name__)

JOB_NUMBER = re.compile(r"\s*Job: \d+\.?$")
"""What billiard adds to its words, and nobody can look up."""


class Call(Protocol):
    """A request whose run was lost: what its message was known by while it was held, and its task's fields."""

    @property
    def task_id(self) -> str: ...

    @property
    def delivery_tag(self) -> str: ...

    def kwargs(self) -> Mapping[str, Any]: ...


def uncount(ledger: Ledger, calls: Iterable[Call]) -> None:
    """Take their runs back: the worker ended them for no fault of theirs."""
    for call in calls:
        try:
            ledger.claims.uncount(call.delivery_tag, _run_of(call))
        except (RedisError, InvalidInput) as exc:
            logger.warning("a run that is given back counts as an attempt: %s", exc)


def note_loss(ledger: Ledger, calls: Iterable[Call], error: BaseException) -> None:
    """Leave word of what ended their run: whoever sets the input aside in the end says so."""
    why = JOB_NUMBER.sub("", str(error))
    for call in calls:
        try:
            ledger.claims.note_loss(_run_of(call), why)
        except (RedisError, InvalidInput) as exc:
            logger.warning("why a run was lost is not kept: %s", exc)


def _run_of(call: Call) -> tuple[str, int]:
    return part_of(call.kwargs()) or (call.task_id, 0)
