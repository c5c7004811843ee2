"""Runs that a slot's pool ended or lost: their count is taken back, or the reason of the loss is kept.

A run is counted before it begins, inside the child (`workers/sidecar/stages/claim.py`); only the parent
knows how one was lost. Guarantee: nothing here raises, because the messages must be given
back whether this succeeds or not.
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
from tasks.redis.refusals import words

logger = logging.getLogger(__name__)

JOB_NUMBER = re.compile(r"\s*Job: \d+\.?$")
"""A number that billiard adds to its error, and that means nothing outside of its process."""


class LostRequest(Protocol):
    """A request whose run was lost: its delivery tag, under which its message was held, and its task's fields."""

    @property
    def task_id(self) -> str: ...

    @property
    def delivery_tag(self) -> str: ...

    def kwargs(self) -> Mapping[str, Any]: ...


def uncount(ledger: Ledger, calls: Iterable[LostRequest]) -> None:
    """Take back the count of their runs: the worker ended them, and the requests were not at fault."""
    given = list(calls)
    for index, call in enumerate(given):
        try:
            ledger.claims.uncount(call.delivery_tag, _run_of(call))
        except InvalidInput as exc:
            logger.warning("a run that is given back counts as an attempt: %s", exc)
        except RedisError as exc:
            logger.warning("%d runs that are given back count as attempts: %s", len(given) - index, words(exc))
            return  # each of them would wait as long for a Redis that does not answer


def note_loss(
    ledger: Ledger, calls: Iterable[LostRequest], error: BaseException, *, is_their_fault: bool = False
) -> None:
    """Keep what ended their runs, for the error of a request that has used up its attempts.

    `is_their_fault`: one of them ended the process. If none was claimed by then, each is counted here.
    """
    lost, why = list(calls), JOB_NUMBER.sub("", str(error))
    was_claimed = [_noted(ledger, call, why) for call in lost]
    if is_their_fault and not any(was_claimed):
        for call in lost:
            _noted(ledger, call, why, is_early=True)


def _noted(ledger: Ledger, call: LostRequest, why: str, *, is_early: bool = False) -> bool:
    try:
        return ledger.claims.note_loss(call.delivery_tag, _run_of(call), why, is_early=is_early)
    except (RedisError, InvalidInput) as exc:
        logger.warning("why a run was lost could not be kept: %s", words(exc))
        return True


def _run_of(call: LostRequest) -> tuple[str, int]:
    return part_of(call.kwargs()) or (call.task_id, 0)
