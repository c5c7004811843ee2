"""The summary tasks: `summary.part`, `summary.text`, `summary.texts`.

A part is computed by a slot: its body (`tasks/flow/part_task.py`) only settles it. A text of
any length is summarised in levels (`tasks/text/levels.py`): its chunks, then the summaries
of those, until one is left. Many texts are one job: each is a part, or a job of its own
where one of them is too long for that. Loads no model code.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from celery import Task

from tasks.app import app
from tasks.catalog import catalog
from tasks.errors import ArtifactMissing, InvalidInput, SlotlineError
from tasks.flow.connections import ledger, offers
from tasks.flow.job import Gathered, Incomplete, Made, More, Plan, run, words_of
from tasks.flow.ledger import Ledger
from tasks.flow.part_task import Told, conclude
from tasks.messages import (
    INLINE_TEXT_BYTES,
    SummariesResult,
    Summarising,
    SummaryResult,
    SummaryTextRequest,
    SummaryTextsRequest,
    TextSummaryResult,
    TextToSummarise,
)
from tasks.offers import Published
from tasks.routing import FLOW_QUEUE, PRIORITIES, queue_of
from tasks.store.artifacts import Artifact, store
from tasks.text import chunks, levels
from tasks.text.levels import Node, node_of
from tasks.text.normalise import is_speakable

PARALLEL_TEXTS = 4
"""Long texts of one job that are open at a time: while one waits for its last level the others fill the slots."""

KEPT = "The summaries of the others are kept"

_TEXT = "T"
"""Flag character of a payload that is a text's whole job."""


@app.task(name="summary.part", bind=True, throws=(SlotlineError,), acks_late=True)
def part(self: Task, **fields: Any) -> Mapping[str, Any]:
    """Summarise one text at once: the fields of `SummaryPartRequest`; or the part `part` of the job `job`."""
    return conclude(self, fields, summary_told, summary_result)


@app.task(name="summary.text", bind=True, throws=(SlotlineError,), acks_late=True)
def text(self: Task, **fields: Any) -> Mapping[str, Any]:
    """Summarise a text of any length: the fields of `SummaryTextRequest`; gives a `TextSummaryResult`."""
    return run(self, TextKind(), ledger(app), fields)


@app.task(name="summary.texts", bind=True, throws=(SlotlineError,), acks_late=True)
def texts(self: Task, **fields: Any) -> Mapping[str, Any]:
    """Summarise many texts: the fields of `SummaryTextsRequest`; gives a `SummariesResult`."""
    return run(self, TextsKind(), ledger(app), fields)


def summary_told(artifact: Artifact) -> Told:
    """A summary's artifact as the ledger keeps it; its text stays in the store."""
    details = artifact.details
    about = {"artifact": artifact.name, "tokens_read": details["tokens_read"], "is_cut": details["is_cut"]}
    return Told({"summary": about})


def summary_result(artifact: Artifact, computed: bool) -> Mapping[str, Any]:
    """A summary's artifact as a result, with its text; raises `ArtifactMissing`."""
    written = store().read_bytes(artifact.name).decode()
    return SummaryResult(text=written, computed=computed, **summary_told(artifact).settled["summary"]).fields()


def written_of(outcomes: Mapping[int, Mapping[str, Any]], parts: Iterable[int]) -> dict[int, str]:
    """What each of these parts became, read from the store; raises `Incomplete` naming those that are gone."""
    found, gone = {}, []
    for number in parts:
        name = outcomes[number]["summary"]["artifact"]
        try:
            found[number] = store().read_bytes(name).decode()
        except ArtifactMissing:
            store().delete(name)  # a damaged one is not to be found again
            gone.append(number)
    if gone:
        raise Incomplete(gone)
    return found


def limit_of(offer: Published | None, request: Any, whole: str) -> int:
    """The longest chunk of a text, in characters: as asked, else what the model reads at once."""
    if request.chunk_chars:
        return int(request.chunk_chars)
    return chunks.chunk_chars(whole, offer.reads_tokens if offer else 0, offer.chars_per_token if offer else {})


class TextKind:
    """A text of any length: its parts are chunks, then chunks of their summaries, level by level."""

    name = "summary"
    unit = "part"

    def fields_of(self, payload: str) -> Mapping[str, Any]:
        """The request of one of many texts, from the line after its title."""
        loaded: dict[str, Any] = json.loads(payload.partition("\n")[2])
        return loaded

    def plan(self, ledger: Ledger, fields: Mapping[str, Any], is_part: bool) -> Plan:
        """The chunks of the first level."""
        request = SummaryTextRequest.parse(fields)
        entry, offer = catalog()[request.model], offers(app).published(request.model)
        request.check(entry, offer)
        whole = request.whole_text(store().read_text)
        if not is_speakable(whole):
            raise InvalidInput("text: nothing to summarise (no letter and no digit in it)")
        limit = limit_of(offer, request, whole)
        payloads = levels.first(whole, limit)
        return Plan(
            title=request.title or words_of(payloads[0]),
            model=request.model,
            voice=None,
            params={**_shared(request), "chunk_chars": limit},
            payloads=payloads,
            skipped={},
            width=request.parallel_parts,
            part_task="summary.part",
            part_queue=queue_of(request.model),
            part_priority=PRIORITIES["book" if is_part else "chapter"],
            part_results=False,  # the ledger has them
        )

    def gather(self, gathered: Gathered) -> Made:
        """The one summary that is left; raises `More` while there is another level, or a text that was not read."""
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
        computed = sum(bool(outcome["computed"]) for outcome in gathered.outcomes.values())
        result = TextSummaryResult(
            title=gathered.record.title,
            text=summaries[0] if is_one else last,
            artifact=gathered.outcomes[leaves[0]]["summary"]["artifact"] if is_one else store().put_text(last),
            levels=level,
            parts=gathered.record.total,
            computed=computed,
            is_complete=is_one,
            is_cut=bool(cut & final),
        )
        return Made(result.fields(), computed=computed)


class TextsKind:
    """Many texts: each is a part, or a job of its own where one of them is longer than the model reads."""

    name = "texts"
    unit = "text"

    def fields_of(self, payload: str) -> Mapping[str, Any]:
        """They are not parts of anything."""
        raise InvalidInput("job: a job of many texts cannot be part of another job")

    def plan(self, ledger: Ledger, fields: Mapping[str, Any], is_part: bool) -> Plan:
        """One part a text; a long one goes to the store, so that it passes Redis once."""
        request = SummaryTextsRequest.parse(fields)
        entry, offer = catalog()[request.model], offers(app).published(request.model)
        request.check(entry, offer)
        is_nested = any(one.text is None or len(one.text) > limit_of(offer, request, one.text) for one in request.texts)
        return Plan(
            title=request.title,
            model=request.model,
            voice=None,
            params={**_shared(request), "titles": [] if is_nested else [one.title for one in request.texts]},
            payloads=[_payload(request, one, is_nested) for one in request.texts],
            skipped={},
            width=request.parallel_texts or (PARALLEL_TEXTS if is_nested else None),
            part_task="summary.text" if is_nested else "summary.part",
            part_queue=FLOW_QUEUE if is_nested else queue_of(request.model),
            part_priority=0 if is_nested else PRIORITIES["chapter"],
            part_results=is_nested,
        )

    def gather(self, gathered: Gathered) -> Made:
        """The summaries in order, None for one that failed; raises `Incomplete`."""
        good = {part: dict(outcome) for part, outcome in gathered.outcomes.items() if "error" not in outcome}
        parts = [part for part, outcome in good.items() if "summary" in outcome]
        written = written_of(gathered.outcomes, sorted(parts))
        made = {
            part: _of_one(gathered.params["titles"][part - 1], written[part], outcome)
            if part in written
            else TextSummaryResult.parse(outcome)
            for part, outcome in good.items()
        }
        numbers = range(1, gathered.record.total + 1)
        result = SummariesResult(title=gathered.record.title, summaries=[made.get(number) for number in numbers])
        return Made(result.fields(), computed=sum(one.computed for one in made.values()), kept=KEPT)


def _shared(request: Summarising) -> dict[str, Any]:
    return {"model": request.model, "max_length": request.max_length, "min_length": request.min_length}


def _of_one(title: str, written: str, outcome: Mapping[str, Any]) -> TextSummaryResult:
    """A text that was one part, as a text's own job would tell of it."""
    about = outcome["summary"]
    return TextSummaryResult(
        title=title, text=written, artifact=about["artifact"], levels=1, parts=1, computed=int(outcome["computed"]),
        is_complete=True, is_cut=about["is_cut"],
    )  # fmt: skip


def _payload(request: SummaryTextsRequest, one: TextToSummarise, is_nested: bool) -> str:
    if not is_nested:
        return Node(1, str(one.text)).payload
    shared = request.model_dump(mode="json", exclude_none=True, exclude={"title", "texts", "parallel_texts"})
    whole, text_ref = one.text, one.text_ref
    if whole is not None and len(whole.encode()) > INLINE_TEXT_BYTES:
        text_ref, whole = store().put_text(whole), None
    own = {"title": one.title, "text": whole, "text_ref": text_ref}
    fields = {**shared, **{name: value for name, value in own.items() if value is not None}}
    title = " ".join(one.title.split()) or " ".join((one.text or "")[:80].split())
    return f"{_TEXT}{title}\n" + json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
