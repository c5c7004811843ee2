"""The methods of `Client` for models of any kind: files for them, one input for one, and what it answers.

Builds requests, and stores files; does not send them itself. Many inputs at once: `producer/map.py`.
"""

from __future__ import annotations

from typing import Any

from producer.inference import files
from producer.inference.field_files import NO_INPUT, Files, field_files
from producer.inference.files import Given
from producer.inference.job import InferJob
from producer.inference.named_files import check_files
from producer.inference.outputs import read_output
from producer.submitter import Submitter
from tasks.errors import SlotlineError
from tasks.messages import Result
from tasks.messages.infer import InferRequest


class InferClient(Submitter):
    """Asks models of any kind. Every method raises `InvalidInput` before anything is sent."""

    def put(self, data: Given, media_type: str | None = None) -> str:
        """Store a file for a model: a `pathlib.Path`, bytes, or a file that is open for reading bytes.

        Returns the artifact's name, `file/ab/abcd….bin`: a field of a model's input that is a file has it as its value.
        The name comes from the content, so the same bytes are stored once. Takes constant memory. Retention removes
        what was not used for long (`docs/stores.md`). Raises `InvalidInput` for what is no file or cannot be read,
        `OtherStore`, and `StoreError`.
        """
        self.check_store("nothing was stored")
        return files.put(self.store, data, media_type)

    def infer(
        self,
        model: str,
        input: Any = NO_INPUT,
        *,
        variant: str | None = None,
        files: Files | None = None,
        timeout_s: float | None = None,
        job_id: str | None = None,
    ) -> InferJob:
        """Ask a model of the craft `infer` for one input, any JSON value; `output()` of the job waits for its answer.

        `files` are stored like `put` does, and their names become fields of the input, which may then be left out.
        `variant` is one of a registry's models. Once a worker of the model was ready, the input is checked here against
        the schema that it has published; an error names the field.
        """
        if files:
            self.check_store("nothing was sent")
        given = field_files(self.store, files or {})
        fields = {"model": model, "input": given.into(input), "variant": variant, "timeout_s": timeout_s}
        request = InferRequest.parse(fields)
        if given.by_field:
            check_files(self.store, [request], self._check(request), given.sizes())
            given.put(self.store)
        return InferJob(self.connection, self.store, self.submit(request, job_id).id)

    def output_of(self, result: Result | SlotlineError) -> Any:
        """What a model has answered, of a result of `map` or `InferJob.wait`: a JSON value, or bytes.

        It is in the result, or in the store. Raises an error that is in the place of a result, `InvalidInput` for
        what is no result of this craft, `ArtifactMissing`, `OtherStore` and `StoreError`.
        """
        if isinstance(result, SlotlineError):
            raise result
        return read_output(self.connection, self.store, result, "the output is not read")
