"""A job of many inputs, from `Client.map`: its result is the list of all results, in order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from producer import results
from producer.job import PATIENCE_S, Job, Progress
from tasks import errors
from tasks.errors import PartsFailed, SlotlineError
from tasks.messages import MapResult, Result
from tasks.messages.lookup import result_of

Outcomes: TypeAlias = "list[Result | SlotlineError]"


class MapJob(Job[Outcomes]):
    """A job of many inputs. `save` writes a folder with one file for each input."""

    def wait(
        self,
        timeout_s: float | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        patience_s: float = PATIENCE_S,
        return_errors: bool = False,
    ) -> Outcomes:
        """Wait for each input's result, in order; raises the errors of `Job.wait`.

        With `return_errors` the list has the error of each failed input, and `PartsFailed` is not raised.
        """
        try:
            return super().wait(timeout_s, on_progress, patience_s)
        except PartsFailed:
            if not return_errors:
                raise
        return self._with_errors()

    def outcomes(self) -> Outcomes:
        """Each input's result or error, after the job has ended; raises `InvalidInput` while it is open."""
        try:
            return self.result()
        except PartsFailed:
            return self._with_errors()

    def _made(self, stored: dict[str, Any]) -> Outcomes:
        return self._listed(results.of(self.id, stored))

    def _with_errors(self) -> Outcomes:
        with self.connection.speaking():
            record = self.connection.ledger.queries.record(self.id)
            outcomes = self.connection.ledger.queries.outcomes(self.id)
        assert record is not None
        assert record.result is not None
        failed = {part: outcome["error"] for part, outcome in outcomes.items() if "error" in outcome}
        return self._listed(result_of(record.result), failed)

    def _listed(self, result: Result, failed: dict[int, dict[str, Any]] | None = None) -> Outcomes:
        assert isinstance(result, MapResult)
        refusal = f"the results of job {self.id} are not read"
        self.connection.check_store(self.store, refusal)
        with self.connection.explaining(self.store, refusal):
            results_of_all = list(result.each(self.store.read_text))
        listed: Outcomes = []
        for number, one in enumerate(results_of_all, 1):
            if one is None:
                error = (failed or {}).get(number, {"type": "", "message": "the reason is not known"})
                listed.append(errors.named(error["type"])(f"input {number}: {error['message']}"))
            else:
                listed.append(one)
        return listed
