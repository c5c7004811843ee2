"""The model with nothing around it: what every server of it is held against, and what the other servers serve.

    python -m benchmarks.bare_bart FOLDER

As a process it prints one line once it is loaded and warm, then answers each line of its
input, `{"texts": […], "batch": n}`, by `{"seconds": […]}`: what `generate` alone took
for each batch of n of them. Its tokens are ready before the clock starts. Ends with its input.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.generate_clock import timed
from benchmarks.random_bart import padded

LENGTH = 48
"""Tokens of each output, no more and no less: so every text costs the same, whatever the weights say."""


class Bare:
    """Model and tokenizer of a folder, on one CPU thread, in fp32, with one beam."""

    def __init__(self, folder: Path) -> None:
        import torch
        from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

        torch.set_num_threads(1)
        self._tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
        self._model = AutoModelForSeq2SeqLM.from_pretrained(str(folder), local_files_only=True).eval()

    def tokens(self, batch: Sequence[str]) -> dict[str, Any]:
        """The model's input."""
        return padded(self._tokenizer, batch)

    def generate(self, tokens: dict[str, Any], length: int = LENGTH) -> Any:
        """The model's output, tokens `[texts, length]`."""
        import torch

        generate = timed(self._model.generate)
        with torch.inference_mode():
            return generate(**tokens, min_length=length, max_length=length, do_sample=False, num_beams=1)

    def summaries(self, batch: Sequence[str]) -> list[str]:
        """From text to text, as a server is asked for it."""
        made = self.generate(self.tokens(batch))
        decoded: list[str] = self._tokenizer.batch_decode(made, skip_special_tokens=True)
        return decoded


def main() -> None:
    """Load, then answer until the input ends."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", type=Path)
    bare = Bare(parser.parse_args().folder)
    bare.generate(bare.tokens(["The sea was calm, and the boat lay still upon it."]), length=8)
    print("ready", flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        texts, size = asked["texts"], asked["batch"]
        batches = [bare.tokens(texts[start : start + size]) for start in range(0, len(texts), size)]
        seconds = []
        for batch in batches:
            began = time.monotonic()
            bare.generate(batch)
            seconds.append(time.monotonic() - began)
        print(json.dumps({"seconds": seconds}), flush=True)


if __name__ == "__main__":
    main()
