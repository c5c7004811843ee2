"""What the ledger carries in and out: a job's record, a part that is handed out, a job about to be opened.

Values only; the steps are in `transitions.py` and `claims.py`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

State = Literal["sent", "open", "finishing", "ended"]
FinalState = Literal["SUCCESS", "FAILURE", "REVOKED"]
Verdict = Literal["done", "failed", "again"]
Settled = Literal["done", "failed", "again", "late"]
Later = Literal["sent", "used up", "late"]

WAITING, SENT, DONE, FAILED, SKIPPED = ".qdfs"
"""A part's state, as one character of its job's `states`."""

_FIELDS = """
kind title model voice params width part_task part_queue part_list part_priority part_results finish_head finish_tail
finish_list root parent_job parent_part ttl_ms retry_ms state outcome result error total done failed skipped computed
sent sent_list next messages submitted_ms opened_ms opened_total finishing_ms ended_ms measure unit request variant
top seated in_row timeout_s until_ms names_artifacts
"""
"""Fields of a job's record, and of PROGRESS, that have a meaning of their own."""


@dataclass(frozen=True)
class Measure:
    """How much was made. `name` is the field in the job's record and in PROGRESS, `unit` is for people.

    All parts of one job are measured by the same name. Raises `ValueError` for a name that a record has already.
    """

    name: str
    amount: float
    unit: str

    def __post_init__(self) -> None:
        if self.name in _FIELDS.split() or not self.name.isidentifier():
            raise ValueError(f"measure: {self.name!r} cannot be the name of one")


@dataclass(frozen=True)
class Record:
    """A job as the ledger knows it; times in seconds since 1970 by Redis' clock, 0 where not yet."""

    job_id: str
    kind: str
    state: State
    outcome: FinalState | None
    title: str
    model: str
    voice: str
    total: int
    done: int
    failed: int
    skipped: int
    computed: int
    measure: Measure | None
    """What its parts have made so far; None where that is not measured."""
    submitted: float
    opened: float
    ended: float
    result: dict[str, Any] | None
    error: dict[str, Any] | None
    parent_job: str | None
    parent_part: int | None

    @property
    def label(self) -> str:
        """The state in one word: Celery's where the job has ended."""
        return self.outcome or self.state


@dataclass(frozen=True)
class Taken:
    """What a run of a part needs: its payload, and the parameters that its job's parts share.

    Empty for a task without a job. `runs` is the number of earlier attempts, `early` that of runs which ended their
    process before they were claimed.
    """

    payload: str
    params: dict[str, Any]
    runs: int = 0
    early: int = 0


@dataclass(frozen=True)
class ArtifactClaim:
    """A message that wants to compute an artifact: its delivery tag, its copy, its job and part, and its model.

    `copy` is the queue's list and a copy of the message, which is sent when a wait is over, or makes them when they are
    needed; `run_of` is the job and part, or the id of a bare task and 0.
    """

    artifact: str
    tag: str
    copy: tuple[str, str] | Callable[[], tuple[str, str]]
    run_of: tuple[str, int]
    model: str

    def the_copy(self) -> tuple[str, str]:
        """The queue's list and the copy."""
        return self.copy() if callable(self.copy) else self.copy


@dataclass(frozen=True)
class OwnMessage:
    """A job's own message, to be sent again: its text before and after the delivery tag, and its queue's list."""

    head: str
    tail: str
    queue_list: str


@dataclass(frozen=True)
class Settlement:
    """How a run of a part ended; `outcome` is JSON-ready.

    `attempt` is the run's own (from `claim`), 0 where none was counted: when a later run has begun, this one is late.
    """

    job_id: str
    part: int
    verdict: Verdict
    outcome: Mapping[str, Any]
    computed: int = 0
    measure: Measure | None = None
    attempt: int = 0


@dataclass(frozen=True)
class StoredResult:
    """A task's result as Celery's backend keeps it: its key, its encoded value, seconds to keep it (0: for ever)."""

    key: str
    value: str
    keep_s: int


@dataclass(frozen=True)
class Swept:
    """Messages of a job that were lost, by their part's number, `start` or `end`: sent again, or lost too often."""

    sent: tuple[str, ...]
    given_up: tuple[str, ...]


@dataclass(frozen=True)
class Cancellation:
    """What a cancelling did: the jobs that it ended, and the parent job and part of the first of them."""

    ids: tuple[str, ...]
    parent: tuple[str, int] | None
    is_unknown: bool


@dataclass(frozen=True)
class Opening:
    """A job about to be opened: its parts and how their messages look.

    `width` is how many parts may be under way at most; None: as many as the model's live slots take at once.
    `skipped` maps a part to the JSON-ready reason it is not computed. `part_results`
    says whether each part's result is kept in Celery's backend as well. `measure` is what
    the job has made at its opening: nothing yet, of what its parts will add up. `part_task` may
    be `*field`: each part's payload names its task in this field.
    """

    kind: str
    title: str
    model: str
    voice: str
    params: Mapping[str, Any]
    payloads: Sequence[str]
    skipped: Mapping[int, Mapping[str, Any]]
    width: int | None
    part_task: str
    part_queue: str
    part_list: str
    part_priority: int
    part_results: bool
    finish_head: str
    finish_tail: str
    finish_list: str
    root: str
    parent: tuple[str, int] | None
    measure: Measure | None = None
    request: str = ""
    """The digest of the job's request, to which its id belongs."""
    timeout_s: float | None = None
    """The job's own `timeout_s`; a part of another job has that job's end."""
    names_artifacts: bool = False
    """Whether payloads and `params` name artifacts, which must stay in the store while the job is open."""
    variant: str = ""
    """The registry's model that its parts need, as a word; `*field`: each part's payload names it in this field."""
    sizes: Sequence[int] | None = None
    """How much there is to compute in each part; None: what the producer has told of them stays."""


def read_record(job_id: str, raw: Mapping[str, str]) -> Record:
    """The record from the fields of its hash."""

    def number(name: str) -> int:
        return int(raw.get(name) or 0)

    def seconds(name: str) -> float:
        return number(name) / 1000

    def loaded(name: str) -> dict[str, Any] | None:
        return json.loads(raw[name]) if raw.get(name) else None

    return Record(
        job_id=job_id,
        kind=raw.get("kind", ""),
        state=cast(State, raw["state"]),
        outcome=cast("FinalState | None", raw.get("outcome") or None),
        title=raw.get("title", ""),
        model=raw.get("model", ""),
        voice=raw.get("voice", ""),
        total=number("total"),
        done=number("done"),
        failed=number("failed"),
        skipped=number("skipped"),
        computed=number("computed"),
        measure=_measure(raw),
        submitted=seconds("submitted_ms"),
        opened=seconds("opened_ms"),
        ended=seconds("ended_ms"),
        result=loaded("result"),
        error=loaded("error"),
        parent_job=raw.get("parent_job") or None,
        parent_part=int(raw["parent_part"]) if raw.get("parent_part") else None,
    )


def _measure(raw: Mapping[str, str]) -> Measure | None:
    name = raw.get("measure")
    return Measure(name, float(raw.get(name) or 0), raw.get("unit", "")) if name else None
