"""The summary tasks: `summary.part`, `summary.text`, `summary.texts`.

A slot computes a part; the body of its task (`tasks/flow/part_task.py`) only settles it. A
text of any length is summarised in levels (`tasks/text/levels.py`, which also writes and
reads their payloads): its chunks, then the summaries of the chunks, until one is left. Many
texts are one job. If all of them are short, each is a part. Otherwise each is a job of its
own; its payload is then `T`, its title, and a line of JSON. Loads no model code.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from celery import Task

from tasks.app import app
from tasks.catalog import catalog
from tasks.errors import ArtifactMissing, InvalidInput, SlotlineError
from tasks.flow.connections import ledger
from tasks.flow.job import run
from tasks.flow.kind import Gathered, Incomplete, Kind, Made, More, Plan
from tasks.flow.ledger.record import Measure
from tasks.flow.part_task import conclude
from tasks.flow.parts import PartRecord, Parts
from tasks.flow.payloads import fields_of_payload, payload_of_fields, words_of
from tasks.messages import (
    SummariesResult,
    SummaryPartRequest,
    SummaryResult,
    SummaryTextRequest,
    SummaryTextsRequest,
    TextSummaryResult,
    TextToSummarise,
)
from tasks.messages.base import NOT_SHARED
from tasks.messages.summary import SUMMARY
from tasks.offers import Offers, Published
from tasks.routing import FLOW_QUEUE, OF_JOB, OF_NESTED_JOB, queue_of
from tasks.store.artifacts import Artifact, store
from tasks.text import chunks, levels
from tasks.text.levels import Node, node_of
from tasks.text.normalise import is_speakable

PARALLEL_TEXTS = 4
"""Number of long texts of one job that are open at once: while one waits for its last level, others fill the slots."""

KEPT = "The summaries of the others are kept"

_TEXT = "T"


@app.task(name=SummaryPartRequest.task, bind=True, throws=(SlotlineError,), acks_late=True)
def part(self: Task, **fields: Any) -> Mapping[str, Any]:
    """Summarise one text at once: fields as in `SummaryPartRequest`, or `job` and `part` for a part of a job."""
    return conclude(self, fields, PARTS)


@app.task(name=SummaryTextRequest.task, bind=True, throws=(SlotlineError,), acks_late=True)
def text(self: Task, **fields: Any) -> Mapping[str, Any]:
    """Summarise a text of any length: fields as in `SummaryTextRequest`; the result is a `TextSummaryResult`."""
    return run(self, TextKind(), ledger(app), fields)


@app.task(name=SummaryTextsRequest.task, bind=True, throws=(SlotlineError,), acks_late=True)
def texts(self: Task, **fields: Any) -> Mapping[str, Any]:
    """Summarise many texts: fields as in `SummaryTextsRequest`; the result is a `SummariesResult`."""
    return run(self, TextsKind(), ledger(app), fields)


WRITTEN = Measure("chars", 0.0, "characters")
"""The measure of all summary jobs."""


class SummaryParts(Parts):
    """Summaries of one text each: the ledger has the artifact's name, the text itself stays in the store."""

    craft = SUMMARY
    measure = WRITTEN

    def fields(self, payload: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """The text of a node of the levels."""
        return {**params, "text": node_of(payload).text}

    def record(self, artifact: Artifact) -> PartRecord:
        """The artifact's name and details, and its number of characters as the measure."""
        details = artifact.details
        about = {"artifact": artifact.name, "tokens_read": details["tokens_read"], "is_cut": details["is_cut"]}
        # An artifact of an older version does not have its length, and reading it would take time.
        measure = length_of(int(details["chars"])) if "chars" in details else None
        return PartRecord({"summary": about}, measure)

    def result(self, artifact: Artifact, computed: bool, fields: Mapping[str, Any]) -> SummaryResult:
        """The summary with its text; raises `ArtifactMissing`."""
        written = store().read_bytes(artifact.name).decode()
        return SummaryResult(text=written, computed=computed, **self.record(artifact).settled["summary"])

    def results(self, outcomes: Mapping[int, Mapping[str, Any]]) -> dict[int, SummaryResult]:
        """Each summary with its text; raises `Incomplete`."""
        written = written_of(outcomes, sorted(outcomes))
        return {
            number: SummaryResult(text=written[number], computed=one["computed"], **one["summary"])
            for number, one in outcomes.items()
        }


PARTS = SummaryParts()


def length_of(chars: int) -> Measure:
    """The measure of this number of characters."""
    return replace(WRITTEN, amount=float(chars))


def written_of(outcomes: Mapping[int, Mapping[str, Any]], parts: Iterable[int]) -> dict[int, str]:
    """The summary of each of these parts, read from the store; raises `Incomplete` with the missing ones."""
    found, gone = {}, []
    for number in parts:
        name = outcomes[number]["summary"]["artifact"]
        try:
            found[number] = store().read_bytes(name).decode()
        except ArtifactMissing:
            store().delete(name)  # so that a damaged artifact is not found again
            gone.append(number)
    if gone:
        raise Incomplete(gone)
    return found


def limit_of(offer: Published | None, chunk_chars: int | None, whole: str) -> int:
    """The longest chunk of a text in characters: as requested, else as much as the model reads at once."""
    if chunk_chars:
        return chunk_chars
    return chunks.chunk_chars(whole, offer.reads_tokens if offer else 0, offer.chars_per_token if offer else {})


class TextKind(Kind[SummaryTextRequest]):
    """A text of any length: its parts are chunks, then chunks of their summaries, level by level."""

    request = SummaryTextRequest
    unit = "part"

    def request_of(self, payload: str) -> SummaryTextRequest:
        """The request of one of many texts."""
        return SummaryTextRequest.trusted(fields_of_payload(payload))

    def plan(self, request: SummaryTextRequest, offers: Offers, is_part: bool) -> Plan:
        """The chunks of the first level."""
        offer = offers.published(request.model)
        request.check(catalog()[request.model], offer)
        whole = request.whole_text(store().read_text)
        if not is_speakable(whole):
            raise InvalidInput("text: nothing to summarise (no letter and no digit in it)")
        limit = limit_of(offer, request.chunk_chars, whole)
        payloads = levels.first(whole, limit)
        return Plan(
            title=request.title or words_of(payloads[0]),
            model=request.model,
            params={**SummaryPartRequest.shared(request), "chunk_chars": limit},
            payloads=payloads,
            width=request.parallel_parts,
            part_task=SummaryPartRequest.task,
            part_queue=queue_of(request.model),
            part_priority=OF_NESTED_JOB if is_part else OF_JOB,
            measure=WRITTEN,
        )

    def gather(self, gathered: Gathered) -> Made:
        """The last summary; raises `More` if another level is needed, or a text was not read whole."""
        nodes = [node_of(payload) for payload in gathered.payloads]
        level = levels.last_level(nodes)
        if gathered.record.failed:
            return Made({}, kept=KEPT)
        cut = {part for part, outcome in gathered.outcomes.items() if outcome["summary"]["is_cut"]}
        if more := levels.halved(nodes, level, cut):
            raise More(more)
        leaves = levels.leaves(nodes, level)
        written = written_of(gathered.outcomes, leaves)
        summaries = [written[leaf] for leaf in leaves]
        limit = levels.read_whole(nodes, cut, int(gathered.params["chunk_chars"]))
        if more := levels.following(summaries, level, limit):
            raise More(more)
        is_one = len(leaves) == 1
        last = levels.joined(summaries)
        final = {leaf for level_ in range(1, level + 1) for leaf in levels.leaves(nodes, level_)}
        result = TextSummaryResult(
            title=gathered.record.title,
            text=summaries[0] if is_one else last,
            artifact=gathered.outcomes[leaves[0]]["summary"]["artifact"] if is_one else store().put_text(last),
            levels=level,
            parts=gathered.record.total,
            computed=gathered.computed,
            is_complete=is_one,
            is_cut=bool(cut & final),
        )
        return Made(result.fields(), gathered.computed)

    def measure(self, result: Mapping[str, Any]) -> Measure:
        """The length of the one summary."""
        return length_of(len(result.get("text", "")))


class TextsKind(Kind[SummaryTextsRequest]):
    """Many texts: each is a part, or a job of its own if one of them is too long for the model."""

    request = SummaryTextsRequest
    unit = "text"

    def plan(self, request: SummaryTextsRequest, offers: Offers, is_part: bool) -> Plan:
        """One part per text. A long text is written to the store, so that it is in Redis only once."""
        offer = offers.published(request.model)
        request.check(catalog()[request.model], offer)
        is_nested = any(
            one.text is None or len(one.text) > limit_of(offer, request.chunk_chars, one.text) for one in request.texts
        )
        shared = SummaryPartRequest.shared(request)
        return Plan(
            title=request.title,
            model=request.model,
            params={**shared, "titles": [] if is_nested else [one.title for one in request.texts]},
            payloads=[_payload(request, one, is_nested) for one in request.texts],
            width=request.parallel_texts or (PARALLEL_TEXTS if is_nested else None),
            part_task=SummaryTextRequest.task if is_nested else SummaryPartRequest.task,
            part_queue=FLOW_QUEUE if is_nested else queue_of(request.model),
            part_priority=0 if is_nested else OF_JOB,
            part_results=is_nested,
            measure=WRITTEN,
            sizes=request.input_sizes() or None,
        )

    def gather(self, gathered: Gathered) -> Made:
        """The summaries in order, None for one that failed; raises `Incomplete`."""
        parts = [part for part, outcome in gathered.good.items() if "summary" in outcome]
        written = written_of(gathered.outcomes, parts)
        made = {
            part: _of_one(gathered.params["titles"][part - 1], written[part], outcome)
            if part in written
            else TextSummaryResult.parse(outcome)
            for part, outcome in gathered.good.items()
        }
        numbers = range(1, gathered.record.total + 1)
        result = SummariesResult(title=gathered.record.title, summaries=[made.get(number) for number in numbers])
        return Made(result.fields(), sum(one.computed for one in made.values()), KEPT)


def _of_one(title: str, written: str, outcome: Mapping[str, Any]) -> TextSummaryResult:
    """The result of a text that was one part, in the form of a text's own job."""
    about = outcome["summary"]
    return TextSummaryResult(
        title=title, text=written, artifact=about["artifact"], levels=1, parts=1, computed=int(outcome["computed"]),
        is_complete=True, is_cut=about["is_cut"],
    )  # fmt: skip


def _payload(request: SummaryTextsRequest, one: TextToSummarise, is_nested: bool) -> str:
    if not is_nested:
        return Node(1, str(one.text)).payload
    own_only = {"title", "texts", "parallel_texts", *NOT_SHARED}
    shared = request.model_dump(mode="json", exclude_none=True, exclude=own_only)
    own = one.text_by_reference(store().put_text)
    return payload_of_fields(_TEXT, one.title.strip() or (one.text or "")[:80], {**shared, **own.fields()})
