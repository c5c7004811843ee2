"""The network behind LitServe, as its documentation has it: a process for the model, batches of what waits.

    python -m benchmarks.own_model.on_litserve PORT BATCH [--no-restart]

Serves until it is ended: POST /predict `{"text": …}` -> `{"label": …, "score": …}`.
"""

# LitServe reads the annotations, so they must not be strings here.
import sys
from typing import Any

import litserve
from fastapi import Request

from benchmarks.own_model import journal
from benchmarks.own_model.network import Network


class FileType(litserve.LitAPI):
    """What LitServe asks of a model."""

    def setup(self, device: str) -> None:
        """Load the network, in the model's process."""
        journal.begin()
        self.network = Network()

    def decode_request(self, request: Request) -> str:
        """The text of a request; where a `Request` is asked for, LitServe hands over its JSON."""
        return str(request["text"])

    def batch(self, inputs: list[Any]) -> Any:
        """What `predict` gets for several requests: all their texts."""
        return inputs

    def predict(self, x: Any) -> Any:
        """The answers to several texts."""
        return self.network.answers(x)

    def unbatch(self, output: Any) -> Any:
        """One answer for each request."""
        return output

    def encode_response(self, output: Any) -> Any:
        """One answer."""
        return output


if __name__ == "__main__":
    port, batch, *others = sys.argv[1:]
    server = litserve.LitServer(
        FileType(max_batch_size=int(batch), batch_timeout=0.001),
        accelerator="cpu",
        workers_per_device=1,
        restart_workers="--no-restart" not in others,
    )
    server.run(host="127.0.0.1", port=int(port), generate_client_file=False, log_level="warning", pretty_logs=False)
