"""Tells, as JSON, what a process keeps in memory while Kokoro's adapter speaks, and after each of two unloads.

Arguments: the model's folder, the engine, the number of pieces, and the phonemes of the longest one, which comes first.
"""

from __future__ import annotations

import json
import random
import sys

from tasks.catalog import ModelEntry
from workers.adapters import hardware
from workers.adapters.kokoro import Kokoro
from workers.adapters.kokoro.prepared import Piece, PreparedText
from workers.adapters.outputs import Sound

SYMBOLS = "aeioudnstɹlkmpbzʃ ˈ"


def main(folder: str, engine: str, pieces: int, longest: int) -> None:
    """Load, speak, unload, and once more; RSS in bytes at each moment."""
    entry = ModelEntry(name="kokoro", adapter="kokoro", path=folder, options={"engine": engine, "threads": 1})
    adapter = Kokoro(entry, "cpu")
    draw = random.Random(5)

    def rss() -> int:
        return hardware.memory("cpu")["rss_bytes"]

    def speak(length: int) -> int:
        phonemes = "".join(draw.choice(SYMBOLS) for _ in range(length))
        (outcome,) = adapter.run([PreparedText("af_heart", 1.0, (Piece("", phonemes),))])
        assert isinstance(outcome, Sound), outcome
        return rss()

    def loaded() -> int:
        adapter.load()
        adapter.warm_up()
        return rss()

    def unloaded() -> int:
        adapter.unload()
        return rss()

    loaded()
    after_longest = speak(longest)
    highest = max(speak(draw.randint(1, longest)) for _ in range(pieces))
    between, again = unloaded(), loaded()
    for _ in range(pieces // 2):
        speak(draw.randint(1, longest))
    at_last = unloaded()
    told = {"growth": highest / after_longest - 1, "given_back": 1 - (at_last - between) / (again - between)}
    print(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
