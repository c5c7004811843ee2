"""Kokoro in LitServe, as its documentation has it: one process for the model, which answers one request at a time.

    python -m benchmarks.kokoro_litserve FOLDER PORT THREADS

Serves until it is ended: POST /predict `{"text": …}` -> a WAV file. Phonemes are made by the model's process.
"""

# LitServe reads the annotations, so they must not be strings here.
import io
import sys
from pathlib import Path
from typing import Any

import litserve
from fastapi import Request, Response

from benchmarks.bare_kokoro import SAMPLE_RATE, Bare
from benchmarks.kokoro_texts import Phonemes


class Speech(litserve.LitAPI):
    """What LitServe asks of a model."""

    def __init__(self, folder: Path, threads: int) -> None:
        super().__init__()
        self._folder = folder
        self._threads = threads

    def setup(self, device: str) -> None:
        """Load and warm, in the model's process."""
        self._bare = Bare(self._folder, self._threads)
        self._phonemes = Phonemes(self._bare.vocabulary)
        self._bare.warm_up()

    def decode_request(self, request: Request) -> str:
        """The text of a request; where a `Request` is asked for, LitServe hands over its JSON."""
        return str(request["text"])

    def predict(self, x: Any) -> Any:
        """The sound of a text."""
        import numpy as np

        return np.concatenate([self._bare.speak(self._bare.feed(piece)) for piece in self._phonemes.of(x)])

    def encode_response(self, output: Any) -> Response:
        """One answer."""
        import soundfile

        file = io.BytesIO()
        soundfile.write(file, output, SAMPLE_RATE, format="WAV", subtype="PCM_16")
        return Response(file.getvalue(), media_type="audio/wav")


def main() -> None:
    """Serve on this machine alone."""
    folder, port, threads = sys.argv[1:]
    server = litserve.LitServer(
        Speech(Path(folder), int(threads)), accelerator="cpu", workers_per_device=1, timeout=600
    )
    server.run(host="127.0.0.1", port=int(port), generate_client_file=False, log_level="warning", pretty_logs=False)


if __name__ == "__main__":
    main()
