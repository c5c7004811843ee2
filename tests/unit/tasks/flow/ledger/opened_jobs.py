"""A job that is open in a real ledger, and what tests ask of it: its messages, its record, its PROGRESS."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from typing import Any

from redis.exceptions import ResponseError

from tasks.flow.ledger import Ledger
from tasks.flow.ledger.record import ArtifactClaim, Opening, Record
from tasks.kinds.speech import AUDIO
from tasks.redis import keys

MODEL, FLOW = "aloud", "flow"

OPENING = Opening(
    kind="chapter",
    title="Chí Phèo",
    model=MODEL,
    voice="vi",
    params={"model": MODEL, "voice": "vi"},
    payloads=[],
    skipped={},
    width=None,
    part_task="speech.paragraph",
    part_queue=MODEL,
    part_list=MODEL,
    part_priority=0,
    part_results=False,
    finish_head='{"tag":"',
    finish_tail='"}',
    finish_list=FLOW,
    root="root",
    parent=None,
    measure=AUDIO,
)


def opened(ledger: Ledger, total: int, skipped: set[int] | None = None, width: int | None = None) -> str:
    job = uuid.uuid4().hex
    reasons = {part: {"skipped": "nothing to speak"} for part in skipped or ()}
    ledger.transitions.open(
        job, replace(OPENING, payloads=[f"Ptext {n}" for n in range(1, total + 1)], skipped=reasons, width=width)
    )
    return job


def messages(raw_redis: Any, queue: str) -> list[dict[str, Any]]:
    """The messages of a queue, the next one first."""
    return [json.loads(raw) for raw in reversed(raw_redis.lrange(queue, 0, -1))]


def parts_sent(raw_redis: Any, job: str) -> list[int]:
    bodies = [json.loads(message["body"])[1] for message in messages(raw_redis, MODEL)]
    return [kwargs["part"] for kwargs in bodies if kwargs["job"] == job]


def finishes(raw_redis: Any, job: str) -> int:
    return sum(message["tag"].startswith(job) for message in messages(raw_redis, FLOW))


def record_of(ledger: Ledger, job: str) -> Record:
    record = ledger.queries.record(job)
    assert record is not None
    return record


def progress(raw_redis: Any, job: str) -> dict[str, Any]:
    raw = raw_redis.get(keys.RESULT_PREFIX + job)
    told: dict[str, Any] = json.loads(raw)
    return told


def claim(ledger: Ledger, artifact: str, tag: str, copy: tuple[str, str], run_of: tuple[str, int]) -> int:
    """One claim; Redis' refusal is raised."""
    (answer,) = ledger.claims.claim_all([ArtifactClaim(artifact, tag, copy, run_of, MODEL)])
    return _or_raise(answer)


def release(ledger: Ledger, artifact: str, tag: str) -> int:
    """One release; Redis' refusal is raised."""
    (answer,) = ledger.claims.release_all([(artifact, tag)])
    return _or_raise(answer)


def _or_raise(answer: int | ResponseError) -> int:
    if isinstance(answer, ResponseError):
        raise answer
    return answer
