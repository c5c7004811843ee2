"""The model in LitServe, as its documentation has it: a process for the model, batches made as requests wait.

    python -m benchmarks.bart_litserve FOLDER PORT BATCH

Serves until it is ended: POST /predict `{"text": …}` -> `{"summary": …}`.
"""

# LitServe reads the annotations, so they must not be strings here.
import sys
from pathlib import Path
from typing import Any

import litserve
from fastapi import Request

from benchmarks.bare_bart import Bare

LINGER_S = 0.05
"""For company, where fewer wait than a batch holds: here that is so before the first batch alone."""


class Summaries(litserve.LitAPI):
    """What LitServe asks of a model."""

    def __init__(self, folder: Path, batch: int) -> None:
        super().__init__(max_batch_size=batch, batch_timeout=LINGER_S)
        self._folder = folder

    def setup(self, device: str) -> None:
        """Load and warm, in the model's process."""
        self._bare = Bare(self._folder)
        self._bare.summaries(["The sea was calm."])

    def decode_request(self, request: Request) -> str:
        """The text of a request; where a `Request` is asked for, LitServe hands over its JSON."""
        return str(request["text"])

    def predict(self, x: Any) -> Any:
        """Summaries of a batch of texts; of one text where batches are off."""
        return self._bare.summaries(x) if isinstance(x, list) else self._bare.summaries([x])[0]

    def encode_response(self, output: Any) -> dict[str, str]:
        """One answer."""
        return {"summary": output}


def main() -> None:
    """Serve on this machine alone."""
    folder, port, batch = sys.argv[1:]
    server = litserve.LitServer(
        Summaries(Path(folder), int(batch)), accelerator="cpu", workers_per_device=1, timeout=600
    )
    server.run(host="127.0.0.1", port=int(port), generate_client_file=False, log_level="warning", pretty_logs=False)


if __name__ == "__main__":
    main()
