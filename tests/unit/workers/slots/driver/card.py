"""A model for the fake driver's cards: it takes memory of the GPU that its process is pinned to, and gives silence.

It stands where a real model's weights would be. What it does in its child it leaves in the
folder of the cards, in `journal`, a line of JSON each.
"""

from __future__ import annotations

import json
import mmap
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pynvml

from tasks.catalog import ModelEntry
from tasks.errors import OutOfMemory
from tasks.messages import ParagraphRequest
from workers.adapters.base import Adapter, Offer, Options
from workers.adapters.outputs import Sound

GB = 1024**3


class CardOptions(Options):
    """What it takes, and for how long it loads."""

    takes_gb: float = 1.0
    load_seconds: float = 0.0


class Card(Adapter[ParagraphRequest, Sound]):
    """Takes memory, and speaks silence."""

    craft = "speech"
    version = "1"
    options_model = CardOptions
    options: CardOptions
    devices = ("cuda", "cpu")

    def __init__(self, entry: ModelEntry, device: str) -> None:
        super().__init__(entry, device)
        self._cuda: mmap.mmap | None = None

    def load(self) -> Offer:
        """Take the memory first, as weights go first, then the rest of the time."""
        self._note("begin")
        if self.device != "cpu":
            self._touch_cuda()
            self._take(int(self.options.takes_gb * GB))
        time.sleep(self.options.load_seconds)
        self._note("end")
        return Offer(revision=self.entry.revision or "card", sample_rate=8000)

    def run(self, batch: Sequence[ParagraphRequest]) -> Sequence[Sound | Exception]:
        """A tenth of a second each."""
        return [Sound(np.zeros(800, dtype=np.float32), 8000) for _ in batch]

    def unload(self) -> None:
        """Give the memory back."""
        self._file().unlink(missing_ok=True)

    def _take(self, size_bytes: int) -> None:
        pynvml.nvmlInit()
        free = pynvml.nvmlDeviceGetMemoryInfo(pynvml.nvmlDeviceGetHandleByUUID(self._uuid)).free
        pynvml.nvmlShutdown()
        if free < size_bytes:
            raise OutOfMemory(f"CUDA out of memory: {size_bytes} bytes wanted, {free} free")
        self._file().write_text(str(size_bytes))

    def _touch_cuda(self) -> None:
        """Map a file of CUDA's name, as a process that initialises it does."""
        library = self._folder / "libcuda.so.1"
        library.write_bytes(b"\0" * mmap.PAGESIZE)
        with library.open("r+b") as file:
            self._cuda = mmap.mmap(file.fileno(), 0)

    def _note(self, what: str) -> None:
        said: dict[str, Any] = {"what": what, "pid": os.getpid(), "device": self.device, "at": time.monotonic()}
        said["visible"] = os.environ.get("CUDA_VISIBLE_DEVICES")
        with (self._folder / "journal").open("a") as file:
            file.write(json.dumps(said) + "\n")

    def _file(self) -> Path:
        return self._folder / f"{self._uuid}.{os.getpid()}"

    @property
    def _uuid(self) -> str:
        return os.environ["CUDA_VISIBLE_DEVICES"]

    @property
    def _folder(self) -> Path:
        return Path(os.environ["FAKE_GPUS"])
