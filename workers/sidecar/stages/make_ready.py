"""The first stage of a batch: read the messages, take the parts, look for finished artifacts, claim the others.

Loads no model and computes nothing. Taking and claiming are one round trip each, for any number of requests. A
request that cannot be read, is refused, or has its artifact already gets its outcome here and does not affect the
others. The order matters: the attempt is counted last, so a request that needs no run costs no attempt.
"""

from __future__ import annotations

import logging
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tasks.errors import InvalidInput, SlotlineError
from tasks.flow.ledger.limits import ATTEMPTS_ALLOWED
from tasks.flow.ledger.record import Taken
from tasks.flow.outcomes import Done, Dropped, Failed, Outcome, as_slotline_error
from tasks.flow.parts import parts_of
from tasks.flow.payloads import part_of
from tasks.messages import PartRequest
from tasks.messages.base import timeout_of
from tasks.messages.lookup import wrong_craft
from tasks.redis import task_id
from tasks.store import artifacts
from workers.sidecar import crafts
from workers.sidecar.stages.claim import claim, give_up, release, worker_lost
from workers.sidecar.stages.work import AnyCraft, BatchRequest, ReadyBatch, TakenBatch, Work

if TYPE_CHECKING:
    from tasks.catalog import ModelEntry
    from tasks.flow.ledger import Ledger
    from tasks.store.artifacts import Artifact
    from workers.sidecar.crafts.base import KnownModel
    from workers.wire.call import Call

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _ReadCall:
    """A call whose body was read: the fields of its task, and the task or part that it is a run of."""

    index: int
    call: Call
    craft: AnyCraft
    run_of: tuple[str, int]
    fields: Mapping[str, Any]


def take(ledger: Ledger, entry: ModelEntry, calls: Sequence[Call], *, has_company: bool) -> TakenBatch:
    """The requests of all calls, by the model that they need. Requests of jobs that have ended are dropped.

    One that may have ended a process before it was claimed is not even read with others (`has_company`), and fails the
    third time.
    """
    messages: list[_ReadCall] = []
    outcomes: dict[int, Outcome] = {}
    by_variant: dict[str | None, list[BatchRequest]] = {}
    alone: set[int] = set()
    for index, call in enumerate(calls):
        match _read(index, call):
            case _ReadCall() as message:
                messages.append(message)
            case Failed() as failed:
                outcomes[index] = failed
    requests = [_digest_of(message) for message in messages]
    timeouts = [timeout_of(message.fields) for message in messages]
    taken = ledger.claims.take_all([message.run_of for message in messages], requests, timeouts) if messages else []
    for message, found in zip(messages, taken, strict=True):
        early = found.early if isinstance(found, Taken) else 0
        if early >= ATTEMPTS_ALLOWED:
            outcomes[message.index] = Failed(worker_lost(ledger, message.run_of, " before it began"), 0)
            continue
        if early and has_company:
            alone.add(message.index)
            continue
        match _request(entry, message, found):
            case BatchRequest() as request:
                by_variant.setdefault(request.variant, []).append(request)
            case outcome:
                outcomes[message.index] = outcome
    return TakenBatch(by_variant, outcomes, frozenset(alone))


def _digest_of(message: _ReadCall) -> str:
    """To tell a request from another one with the same id; a part has no id of its own."""
    return "" if message.run_of[1] else task_id.digest_of(message.call.task, message.fields)


def make_ready(
    ledger: Ledger, model: KnownModel | Exception, requests: Sequence[BatchRequest], *, has_company: bool
) -> ReadyBatch:
    """Claim the work of these requests, which need the same model; who runs it releases the claims.

    If the model could not be loaded, `model` is the exception. `has_company`: other calls may be computed with it.
    """
    if isinstance(model, Exception):
        return _without_model(model, requests)
    wanted, outcomes = _look(model, requests)
    # The slot that made them may have died before it released them; messages may wait for that.
    made = {found.artifact.name: "" for found in outcomes.values() if isinstance(found, Done)}
    release(ledger, made.items())
    alone = [work for work in wanted if has_company and _was_begun(work)]
    work, refused, returned = claim(ledger, [work for work in wanted if work not in alone])
    run_alone = frozenset(request.index for one in alone for request in one.requests)
    return ReadyBatch(model, work, {**outcomes, **refused}, run_alone, returned=returned)


def without_made(ledger: Ledger, ready: ReadyBatch, made: Mapping[str, Artifact]) -> ReadyBatch:
    """Without the work whose artifact this slot stored after it was looked for and before it was claimed."""
    needless = [work for work in ready.work if work.artifact in made]
    if not needless:
        return ready
    give_up(ledger, needless)
    done = {index: Done(made[work.artifact], computed=False) for work in needless for index in work.calls}
    left = [work for work in ready.work if work not in needless]
    return replace(ready, work=left, outcomes={**ready.outcomes, **done})


def artifact_name(model: KnownModel, craft: AnyCraft, part: PartRequest) -> str:
    """The name is a hash of all that determines the output, so the same input is computed once for all requests."""
    ingredients = {
        "adapter": model.entry.adapter,
        "version": model.adapter.version,
        "model": model.entry.name,
        "revision": model.offer.revision,
        **part.ingredients(),
        **model.adapter.ingredients(part),
    }
    return artifacts.name_of(craft.craft.name, craft.extension_of(part), ingredients)


def _read(index: int, call: Call) -> _ReadCall | Failed | None:
    """The message's fields; None if no model computes its task."""
    craft = crafts.by_task().get(call.task)
    if craft is None:
        return None
    try:
        fields = call.kwargs()
        return _ReadCall(index, call, craft, part_of(fields) or (call.task_id, 0), fields)
    except InvalidInput as exc:
        return Failed(as_slotline_error(exc), 0)


def _request(entry: ModelEntry, message: _ReadCall, taken: Taken | Exception | None) -> BatchRequest | Failed | Dropped:
    if taken is None:
        return Dropped()
    craft = message.craft
    try:
        if isinstance(taken, Exception):
            raise taken
        part = _part(message, taken)
        if part.model != entry.name:
            raise InvalidInput(f"model: {part.model!r} was sent to the queue of {entry.name!r}")
        variant = craft.variant(entry, part)
        return BatchRequest(message.index, message.call, craft, message.run_of, part, variant, taken.runs)
    except Exception as exc:  # the failure of one input only
        return _unreadable(message.call, exc)


def _part(message: _ReadCall, taken: Taken) -> PartRequest:
    """The request for the model. One in the message itself is checked here; a flow worker has checked the others."""
    craft = message.craft.craft
    if message.run_of[1]:
        return parts_of(craft.name).request(taken.payload, taken.params)
    return craft.request.parse(message.fields)


def _without_model(error: Exception, requests: Sequence[BatchRequest]) -> ReadyBatch:
    """Requests of a model that could not be loaded. Its failure counts once, for any number of requests."""
    failed = () if isinstance(error, InvalidInput) else (f"load of {requests[0].variant}",)
    outcomes = {request.index: Failed(as_slotline_error(error), 0) for request in requests}
    return ReadyBatch(None, outcomes=outcomes, failed=failed)


def _look(model: KnownModel, requests: Sequence[BatchRequest]) -> tuple[list[Work], dict[int, Outcome]]:
    """The work to do, once per artifact; and the outcomes of requests that fail or whose artifact exists."""
    wanted: dict[str, tuple[PartRequest, Any, list[BatchRequest]]] = {}
    made: dict[str, Artifact] = {}
    outcomes: dict[int, Outcome] = {}
    for request in requests:
        try:
            part = _ready(model, request)
            name = artifact_name(model, request.craft, part)
            found = None if name in wanted else made.get(name) or artifacts.store().find(name)
            if found is None and name not in wanted:
                wanted[name] = part, _prepared(model, part), []
        except (Exception, SystemExit) as exc:  # the failure of one input only; the adapter's code may call sys.exit
            outcomes[request.index] = _unreadable(request.call, model.reason_of(exc))
            continue
        if found is None:
            wanted[name][2].append(request)
        else:
            made[name] = found
            outcomes[request.index] = Done(found, computed=False)
    return [Work(name, *found, model=model) for name, found in wanted.items()], outcomes


def _ready(model: KnownModel, request: BatchRequest) -> PartRequest:
    """The adapter's input; raises `InvalidInput` if the adapter refuses it or has another craft."""
    craft = request.craft
    if model.adapter.craft != craft.craft.name:
        raise wrong_craft(craft.craft, model.entry.name, model.entry.adapter)
    part: PartRequest = craft.ready(model, request.part)
    model.adapter.check(part)
    return part


def _prepared(model: KnownModel, part: PartRequest) -> Any:
    """What the adapter's `run` gets; an error if it cannot be sent to the child, which costs this input alone."""
    item = model.adapter.prepare(part)
    if item is not part:
        pickle.dumps(item, 5, buffer_callback=lambda array: None)  # the pictures of a stretch are not copied for it
    return item


def _was_begun(work: Work) -> bool:
    """Whether an earlier attempt failed. Such a request could end the process, and cost the others an attempt."""
    return any(request.runs for request in work.requests)


def _unreadable(call: Call, error: BaseException) -> Failed:
    if not isinstance(error, SlotlineError):
        logger.error("%s[%s] cannot be read", call.task, call.task_id, exc_info=error)
    return Failed(as_slotline_error(error), 0)
