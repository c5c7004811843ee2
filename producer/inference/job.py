"""A job of one input for a model of any kind, from `Client.infer`: it adds the output to what every job has."""

from __future__ import annotations

from typing import Any

from producer.inference.outputs import read_output
from producer.job import Job
from tasks.messages.infer import InferResult


class InferJob(Job[InferResult]):
    """A job of one input. `save` writes its output to a file."""

    def output(self, timeout_s: float | None = None) -> Any:
        """Wait for the output: a JSON value, or bytes. Raises the errors of `wait` and of `Client.output_of`."""
        return read_output(
            self.connection, self.store, self.wait(timeout_s), f"the output of job {self.id} is not read"
        )
