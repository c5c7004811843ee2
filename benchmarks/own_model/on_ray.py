"""The network behind Ray Serve, as its documentation has it: one replica, and `@serve.batch` over what waits.

    python -m benchmarks.own_model.on_ray PORT BATCH FOLDER

Serves until it is ended: POST / `{"text": …}` -> `{"label": …, "score": …}`. Ray keeps its own files in the folder.
"""

import signal
import sys
from typing import Any

import ray
from ray import serve
from starlette.requests import Request

from benchmarks.own_model import journal
from benchmarks.own_model.network import Network


@serve.deployment(max_ongoing_requests=128)
class FileType:
    """What Ray Serve asks of a model."""

    def __init__(self, batch: int) -> None:
        journal.begin()
        self.network = Network()
        self.answers.set_max_batch_size(batch)

    @serve.batch(batch_wait_timeout_s=0)
    async def answers(self, texts: list[str]) -> list[dict[str, Any]]:
        """The answers to what waits."""
        return self.network.answers(texts)

    async def __call__(self, request: Request) -> Any:
        """One request."""
        return await self.answers((await request.json())["text"])


if __name__ == "__main__":
    port, batch, folder = sys.argv[1:]
    ray.init(include_dashboard=False, _temp_dir=folder)
    serve.start(http_options={"host": "127.0.0.1", "port": int(port)})
    serve.run(FileType.bind(int(batch)))  # type: ignore[attr-defined]
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    ray.shutdown()
