"""One batch through a slot's models, inside its child: three stages, and what runs them.

- Make ready (`make_ready.py`, `claim.py`): read the messages, take (the ledger hands out the text), look
  (the artifact may be there), claim (the attempt is counted; another slot may be making it).
- Compute (`compute.py`): the inputs through the model, in groups.
- Put away (`put_away.py`): store what was made, release the claims, leave the outcomes for Celery's trace.

Each stage takes a value and returns one (`work.py`); none sees another's state. Where a slot has many
small models, the requests for each model go through the stages together, one model after the other.

Guarantees:

- nothing here raises for a single input, and nothing here settles: the task's body does, when Celery traces it;
- what a group made is stored before the next group is computed, which may end the process: `compute` yields
  a result as soon as its group is computed, and `put_away` stores it before it asks for the next;
- claims are released also when computing or storing fails, because `put_away` drives `compute`;
- a request that is cancelled on the way is dropped at the adapter's next safe point;
- what was begun before, and may have killed its process, shares no batch: it is handed back (`Ran.alone`)
  to be run alone, and no attempt is counted for that.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from tasks.errors import SlotlineError, StoreError
from tasks.flow.ledger import Ledger
from tasks.store import artifacts
from workers.child import crafts
from workers.child.stages.batch_limit import BatchLimit
from workers.child.stages.compute import compute
from workers.child.stages.make_ready import make_ready, take
from workers.child.stages.put_away import leave, put_away
from workers.child.stages.work import IsCancelled, Ran
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
) -> Ran:
    """Compute all parts of the batch and leave one outcome a request; calls of other tasks are left alone."""
    taken = take(ledger, models.entry, calls)
    parts = [Ran(outcomes=taken.outcomes)]
    for variant, requests in taken.by_variant.items():
        with _in_use(models, variant) as model:
            ready = make_ready(ledger, model, requests, has_company=len(calls) > 1)
            computed = compute(ready, is_cancelled, limit or BatchLimit())
            parts.append(put_away(ledger, ready, computed, is_cancelled))
    ran = Ran.together(parts)
    leave(calls, ran.outcomes)
    return ran


@contextmanager
def _in_use(models: Models, variant: str | None) -> Iterator[LoadedModel | SlotlineError | MemoryError]:
    """The model, kept loaded while the block lasts; or why it could not be loaded, where the inputs' choice is why.

    Raises what the load of the slot's one model raises: no input is at fault there.
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
    """Import and open all that the first batch would, so that it is as fast as the second. Touches no job."""
    for craft in crafts.by_task().values():
        craft.warm_up()
    try:
        artifacts.store().find(artifacts.name_of("warm-up", "bin", {}))
    except StoreError as exc:
        logger.warning("the store does not answer yet: %s", exc)
