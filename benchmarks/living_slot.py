"""A living slot, asked and steered as a person would: by the command line, and by jobs. Tells its child's memory."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from benchmarks.rig import LIMIT_S, ROOT, wait_for


class Slot:
    """The only slot of that model; `work` gives it a job that needs the model, and returns when it is done."""

    def __init__(self, model: str, work: Callable[[], object]) -> None:
        self._model = model
        self._work = work

    def status(self) -> dict[str, Any]:
        """What `slotline model status` tells of it; empty while it does not live."""
        done = self._slotline("status", "--json")
        models: list[dict[str, Any]] = json.loads(done.stdout)["models"] if not done.returncode else []
        return models[0] if models else {}

    def load(self) -> int:
        """Have a job load the model; resident bytes with it."""
        self._work()
        return self.resident("ready")

    def unload(self) -> int:
        """Unload it; resident bytes without it."""
        done = self._slotline("unload")
        if done.returncode:
            raise RuntimeError(f"it is not unloaded: {done.stderr}")
        return self.resident("unloaded")

    def resident(self, state: str) -> int:
        """Bytes of the child, once it is in that state."""
        told: dict[str, Any] = {}

        def is_there() -> bool:
            told.update(self.status())
            return told.get("state") == state and bool(told.get("answers"))

        wait_for(is_there, f"the model to be {state}", every_s=0.1)
        return int(told["rss_bytes"])

    def _slotline(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tasks.command", "model", words[0], self._model, *words[1:]]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S)
