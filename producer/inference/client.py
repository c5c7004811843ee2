"""The methods of `Client` for models of any kind: files for them."""

from __future__ import annotations

from producer.inference import files
from producer.inference.files import Given
from producer.submitter import Submitter


class InferClient(Submitter):
    """Stores files for models."""

    def put(self, data: Given, media_type: str | None = None) -> str:
        """Store a file for a model: a `pathlib.Path`, bytes, or a file that is open for reading bytes.

        Returns the artifact's name, `file/ab/abcd….bin`: a field of a model's input that is a file has it as its value.
        The name comes from the content, so the same bytes are stored once. Takes constant memory. Retention removes
        what was not used for long (`docs/stores.md`). Raises `InvalidInput` for what is no file or cannot be read,
        `OtherStore`, and `StoreError`.
        """
        self.check_store("nothing was stored")
        return files.put(self.store, data, media_type)
