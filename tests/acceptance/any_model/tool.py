"""An adapter for any model, as another package would bring it: a tool that squares numbers, and fails as it is told."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from workers.adapters.base import Options
from workers.adapters.inference import (
    Cancelled,
    Data,
    File,
    InferenceAdapter,
    InferRequest,
    Input,
    ModelError,
    Offer,
    OutOfMemory,
)

PNG = b"\x89PNG\r\n\x1a\n"


class Asked(Input):
    """A number, and what to do with it; 13 is refused, which no JSON schema says."""

    n: int = Field(ge=0, le=1000)
    do: Literal["square", "draw", "nan", "fail", "die once", "die", "wait"] = "square"
    file: Annotated[str, File(10)] | None = None

    @field_validator("n")
    @classmethod
    def _is_lucky(cls, n: int) -> int:
        if n == 13:
            raise ValueError("13 brings bad luck")
        return n


class ToolOptions(Options):
    """What a table may say."""

    notes: str = ""
    """A folder: each batch writes down its numbers, and who has died once is noted."""
    at_once: int = 100
    """More inputs than this at once are too many for its memory."""


class Tool(InferenceAdapter):
    """Squares numbers."""

    version = "1"
    input_model = Asked
    options_model = ToolOptions

    def load(self) -> Offer:
        """Of a registry each model is a file with a factor."""
        self._factor = int(Path(self.entry.path).read_text()) if self.entry.path else 1
        return Offer(f"factor {self._factor}")

    def prepare(self, item: InferRequest) -> tuple[Asked, str]:
        """The file's content crosses with the input."""
        return item.input, self.read(item, "file").decode() if item.input.file else ""

    def run(self, batch: Sequence[tuple[Asked, str]]) -> Sequence[Any]:
        """One output or error for each input."""
        with (Path(self.options.notes) / "batches").open("a") as notes:
            notes.write(json.dumps([asked.n for asked, _ in batch]) + "\n")
        if len(batch) > self.options.at_once:
            raise OutOfMemory(f"{len(batch)} inputs")
        return [self._made(index, *one) for index, one in enumerate(batch)]

    def _made(self, index: int, asked: Asked, text: str) -> Any:
        match asked.do:
            case "square":
                return {"n": asked.n, "square": asked.n**2 * self._factor, "text": text}
            case "draw":
                return Data(PNG + bytes([asked.n]), "image/png")
            case "nan":
                return {"scores": [0.5, float("nan")]}
            case "fail":
                return ModelError(f"input.n: {asked.n} is too much")
            case "wait":
                return self._waited(index)
            case "die once" | "die":
                mark = Path(self.options.notes) / f"died at {asked.n}"
                if asked.do == "die" or not mark.exists():
                    mark.touch()
                    os.kill(os.getpid(), signal.SIGKILL)
        return "alive"

    def _waited(self, index: int) -> Any:
        (Path(self.options.notes) / "waits").touch()
        while not self.is_cancelled(index):
            time.sleep(0.01)
        return Cancelled()

    def unload(self) -> None:
        """Nothing is held."""
