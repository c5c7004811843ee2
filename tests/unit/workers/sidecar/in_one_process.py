"""A batch through all stages in one process, without lines and threads: for tests of the stages together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from types import MappingProxyType
from typing import Any

from tasks.errors import SlotlineError
from tasks.flow.ledger import Ledger
from tests.unit.workers.child.rehearsals import OneRehearsal
from workers.child.batch_limit import BatchLimit
from workers.child.compute import Computing
from workers.sidecar.crafts.base import KnownModel
from workers.sidecar.stages.claim import release
from workers.sidecar.stages.make_ready import make_ready, take
from workers.sidecar.stages.put_away import forget, leave, put_away
from workers.sidecar.stages.runs import runs_of
from workers.sidecar.stages.work import Computed, Ran
from workers.wire.call import Call


def run(
    models: OneRehearsal,
    ledger: Ledger,
    calls: Sequence[Call],
    is_cancelled: Callable[[int], bool] = lambda index: False,
    over_limit: Mapping[int, str] = MappingProxyType({}),
    batch_size: int = 64,
) -> Ran:
    """Compute the batch and leave one outcome per request."""
    taken = take(ledger, models.entry, calls, has_company=len(calls) > 1)
    ran = Ran(outcomes=dict(taken.outcomes), alone=taken.alone)
    for variant, requests in taken.by_variant.items():
        with ExitStack() as stack:
            model: Any
            try:
                loaded = stack.enter_context(models.use(variant))
                model = KnownModel(loaded.entry, loaded.adapter, loaded.offer)
            except SlotlineError as exc:
                model = exc
            ready = make_ready(ledger, model, requests, has_company=len(calls) > 1)
            ran.add(Ran(ready.failed, False, ready.alone, dict(ready.outcomes), ready.returned))
            for work in runs_of(model, ready.work, batch_size) if ready.work else ():

                def unwanted(number: int, calls: list[tuple[int, ...]] = [one.calls for one in work]) -> bool:  # noqa: B006
                    return all(map(is_cancelled, calls[number]))

                results = Computing(loaded, [one.item for one in work], unwanted, BatchLimit()).results()
                ran.add(put_away([Computed(*pair) for pair in zip(work, results, strict=True)], is_cancelled))
    release(ledger, ran.claims)
    forget()
    leave(calls, ran.outcomes, over_limit)
    return ran


def known(models: OneRehearsal) -> KnownModel:
    """The model of a test as the sidecar knows it."""
    with models.use(None) as model:
        return KnownModel(model.entry, model.adapter, model.offer)
