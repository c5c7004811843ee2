"""Runs one batch through a slot's models, inside its child, in three stages.

- Make ready (`make_ready.py`, `claim.py`): read the messages, take (get each text from the ledger), look
  (whether the artifact exists), claim (unless another slot computes the artifact; counts the attempt).
- Compute (`compute.py`): run the model on the inputs, in groups.
- Put away (`put_away.py`): store the results, release the claims, leave the outcomes for Celery's trace.

Each stage takes a value and returns one (`work.py`); the stages share no state. In a registry's slot, the
requests for one model go through the stages together, one model after the other.

Guarantees:

- a single input's failure raises nothing, and nothing is settled here: the task's body settles, when Celery traces it;
- a group's results are stored before the next group is computed, because that group may end the process: `compute`
  yields a result as soon as its group is computed, and `put_away` stores it before it takes the next one;
- claims are also released when computing or storing fails, because `put_away` drives `compute`;
- a request that is cancelled while its batch runs is dropped at the adapter's next safe point;
- nothing begins while the model is paused: the claim finds out, counts no attempt, and the call is in `Ran.returned`;
- a request with an earlier attempt may have killed its process, so it shares no batch: it is returned in
  `Ran.alone` to be run alone, and no attempt is counted for that.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING

from tasks.errors import SlotlineError, StoreError
from tasks.flow.ledger import Ledger
from tasks.store import artifacts
from workers.child import crafts
from workers.child.batch_limit import BatchLimit
from workers.child.compute import compute
from workers.sidecar.stages.make_ready import make_ready, take
from workers.sidecar.stages.put_away import leave, put_away
from workers.sidecar.stages.work import IsCancelled, Ran
from workers.wire.call import Call

if TYPE_CHECKING:
    from workers.child.models.base import LoadedModel, Models

logger = logging.getLogger(__name__)


def run(
    models: Models,
    ledger: Ledger,
    calls: Sequence[Call],
    is_cancelled: IsCancelled = lambda tag: False,
    limit: BatchLimit | None = None,
    over_limit: Mapping[str, str] = MappingProxyType({}),
) -> Ran:
    """Compute the batch and leave one outcome per request; calls of other tasks are not touched.

    `over_limit` maps the tags of cancelled requests whose sender's time limit is over to the limit's words.
    """
    taken = take(ledger, models.entry, calls)
    others = _others_of_a_paused_model(ledger, models.entry.name, calls)
    parts = [Ran(outcomes=taken.outcomes, alone=taken.alone, returned=others)]
    for variant, requests in taken.by_variant.items():
        with _in_use(models, variant) as model:
            ready = make_ready(ledger, model, requests, has_company=len(calls) > 1)
            computed = compute(ready, is_cancelled, limit or BatchLimit())
            parts.append(put_away(ledger, ready, computed, is_cancelled))
    ran = Ran.together(parts)
    leave(calls, ran.outcomes, over_limit)
    return ran


def _others_of_a_paused_model(ledger: Ledger, model: str, calls: Sequence[Call]) -> frozenset[int]:
    """The calls of other tasks than the crafts', which claim nothing, if the model is paused."""
    others = frozenset(index for index, call in enumerate(calls) if call.task not in crafts.by_task())
    return others if others and ledger.queries.is_paused(model) else frozenset()


@contextmanager
def _in_use(models: Models, variant: str | None) -> Iterator[LoadedModel | SlotlineError | MemoryError]:
    """The model, which stays loaded in the block; for a registry's model that cannot be loaded, the error.

    An error of the slot's only model is raised, because no input is at fault.
    """
    with ExitStack() as stack:
        model: LoadedModel | SlotlineError | MemoryError
        try:
            model = stack.enter_context(models.use(variant))
        except (SlotlineError, MemoryError) as exc:
            if variant is None and not models.entry.is_registry:
                raise
            model = exc
        yield model


def warm_up() -> None:
    """Import and open what the first batch needs, so that it is as fast as the second. Touches no job."""
    for craft in crafts.by_task().values():
        craft.warm_up()
    try:
        artifacts.store().find(artifacts.name_of("warm-up", "bin", {}))
    except StoreError as exc:
        logger.warning("the store does not answer yet: %s", exc)
