"""Kokoro with nothing around it: ONNX Runtime alone, what every server of it is held against.

    python -m benchmarks.bare_kokoro FOLDER PIECES THREADS

As a process it loads the model, reads the file PIECES (JSON: phonemes, a text a piece), prints one line once it is
warm, and then answers each line of its input, a piece's number, by `[began_s, ended_s, samples]` of that piece's
call. Its tokens are ready before. Ends with its input.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE, Popen
from typing import IO, TYPE_CHECKING, Any

from benchmarks.rig import ROOT

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

VOICE = "af_heart"
SAMPLE_RATE = 24_000
WARM_UP = "wˈɔːɹm ˈʌp, ænd ʌɡˈɛn."


class Bare:
    """One ONNX session of the model in `folder`, on so many CPU threads, with one voice."""

    def __init__(self, folder: Path, threads: int) -> None:
        import numpy as np
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        (file,) = folder.glob("*.onnx")
        self._session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        self._styles = np.fromfile(folder / "voices" / f"{VOICE}.bin", np.float32).reshape(-1, 1, 256)
        self.vocabulary: dict[str, int] = json.loads((folder / "config.json").read_text())["vocab"]

    def feed(self, phonemes: str) -> dict[str, Any]:
        """The model's inputs for a piece."""
        import numpy as np

        tokens = [self.vocabulary[symbol] for symbol in phonemes]
        return {
            "tokens": np.array([[0, *tokens, 0]], np.int64),
            "style": self._styles[len(tokens) - 1],
            "speed": np.ones(1, np.float32),
        }

    def speak(self, feed: dict[str, Any]) -> NDArray[np.float32]:
        """The sound of a piece, `[samples]`."""
        sound: NDArray[np.float32] = self._session.run(["audio"], feed)[0].reshape(-1)
        return sound

    def warm_up(self) -> None:
        """Run once on something short."""
        self.speak(self.feed("".join(symbol for symbol in WARM_UP if symbol in self.vocabulary)))


@dataclass(frozen=True)
class Call:
    """One call of the model: when it began and ended, by the monotonic clock, and how much sound it made."""

    began_s: float
    ended_s: float
    samples: int


class BareProcess:
    """A process with the model, which computes only when it is asked."""

    def __init__(self, process: Popen[str]) -> None:
        self._process = process
        if self._answers.readline() != "ready\n":
            raise RuntimeError("the bare model did not load")

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def speak(self, piece: int) -> Call:
        """Have a piece spoken."""
        assert self._process.stdin is not None
        print(piece, file=self._process.stdin, flush=True)
        return Call(*json.loads(self._answers.readline()))

    @property
    def _answers(self) -> IO[str]:
        assert self._process.stdout is not None
        return self._process.stdout


@contextmanager
def bare_processes(count: int, folder: Path, pieces: Path, threads: int) -> Iterator[list[BareProcess]]:
    """So many processes, loaded and warm, until the block ends."""
    command = [sys.executable, "-m", "benchmarks.bare_kokoro", str(folder), str(pieces), str(threads)]
    with ExitStack() as stack:
        started = []
        for _ in range(count):
            process = stack.enter_context(Popen(command, cwd=ROOT, stdin=PIPE, stdout=PIPE, text=True))
            stack.callback(process.terminate)
            started.append(process)
        yield [BareProcess(process) for process in started]


def main() -> None:
    """Load, then answer until the input ends."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("pieces", type=Path)
    parser.add_argument("threads", type=int)
    asked = parser.parse_args()
    bare = Bare(asked.folder, asked.threads)
    pieces: Sequence[str] = json.loads(asked.pieces.read_text())
    feeds = [bare.feed(phonemes) for phonemes in pieces]
    bare.warm_up()
    print("ready", flush=True)
    for line in sys.stdin:
        began_s = time.monotonic()
        sound = bare.speak(feeds[int(line)])
        print(json.dumps([began_s, time.monotonic(), sound.size]), flush=True)


if __name__ == "__main__":
    main()
