"""What ends of one batch at a time: gathered from the other threads' findings, and the answers to its calls."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import assert_never

from workers.sidecar.shared.done import LostRun, NoRun, NotBegunCalls, Refused, RunCame, RunStored
from workers.sidecar.shared.held import HeldBatch
from workers.sidecar.stages.put_away import StoredResult, ended
from workers.sidecar.stages.work import Computed, Ran, Work
from workers.wire.call import GivenBack, Lost, NotBegun, NotRun, RunAlone, TraceResult


@dataclass
class BatchEnd:
    """The calls of one batch that end now; `results` are added when they have been traced."""

    batch: HeldBatch
    ran: Ran = field(default_factory=Ran)
    others: set[int] = field(default_factory=set)
    """Calls of tasks without a craft: traced without an outcome."""
    came: list[Computed] = field(default_factory=list)
    """What the model made, in order; it is to be stored."""
    not_run: dict[int, NotRun] = field(default_factory=dict)
    not_begun: list[Work] = field(default_factory=list)
    """Work that was claimed and is given up."""
    refused: list[tuple[Sequence[int], Exception]] = field(default_factory=list)
    """Calls that go back because Redis does not take what they write, and its error."""
    results: dict[int, TraceResult] = field(default_factory=dict)
    computed_s: float = 0.0
    computed: int = 0

    def add(self, item: NoRun | RunCame | RunStored | NotBegunCalls | LostRun | Refused) -> None:
        """Add calls that end; the results of a run are in `came`, to be stored."""
        match item:
            case NoRun(ran=ran, others=others):
                self.ran.add(ran)
                self.others.update(others)
            case RunCame():
                self._count(item)
                self.came += item.computed()
            case RunStored(came=came, stored=stored):
                self._count(came)
                self.stored(stored)
            case NotBegunCalls(calls=calls, run=run):
                self.not_run.update(dict.fromkeys(calls, NotBegun()))
                if run is not None:
                    self.not_begun += run.work
                    self.not_run.update(dict.fromkeys(run.calls, NotBegun()))
            case LostRun(run=run, why=why):
                self.not_run.update(dict.fromkeys(run.calls, Lost(why)))
            case Refused(calls=calls, error=error):
                self.refused.append((calls, error))
            case _:
                assert_never(item)

    def stored(self, stored: Iterable[StoredResult]) -> None:
        """The results that came are stored, in this order."""
        self.ran.add(ended(stored, self.batch.cancelled.__contains__))

    def answers(self) -> dict[int, TraceResult | NotRun]:
        """The answer to each call that ends."""
        alone: dict[int, NotRun] = {index: RunAlone() for index in self.ran.alone}
        returned: dict[int, NotRun] = {index: GivenBack() for index in self.ran.returned}
        return {**self.results, **alone, **returned, **self.not_run}

    def _count(self, came: RunCame) -> None:
        took_s = came.ended.took_s
        if took_s > 0:  # else the model computed nothing: all were cancelled, or it could not be loaded
            self.computed_s += took_s
            self.computed += len(came.run.work)
