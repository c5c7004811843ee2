"""What the tests of lease, Redis and drain share: slots of a rehearsal that writes down what it ran, and when."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.flow.ledger import Ledger
from tasks.flow.ledger.record import Record
from tests.fixtures.processes import Process
from tests.fixtures.waiting import wait_for
from tests.fixtures.workers import StartWorker
from workers.adapters.rehearsal.journal import digest

MODEL = "model"


@dataclass(frozen=True)
class Run:
    """One run of one text: which child, when it began and ended (None: never) in seconds of the monotonic clock."""

    pid: int
    began: float
    ended: float | None


class Slots:
    """Starts slot workers of one model that takes `seconds` for a text, and reads what they wrote."""

    def __init__(self, start_worker: StartWorker, folder: Path, seconds: float, batch_size: int = 1) -> None:
        self._start_worker = start_worker
        self.journal = folder / "journal"
        self.catalog = folder / "models.toml"
        self.catalog.write_text(
            f'[models.{MODEL}]\nadapter = "rehearsal"\nseconds = {seconds}\nbatch_size = {batch_size}\n'
            f'faults = true\njournal = "{self.journal}"\n'
        )

    def environment(self, **more: str) -> dict[str, str]:
        """What its workers need, and `more`."""
        return {"SLOTLINE_MODELS": str(self.catalog), "SLOTLINE_RETRY_S": "0.2", "SLOTLINE_CPU_SLOTS": "8", **more}

    def begin(self, name: str = "slot", **more: str) -> Process:
        """A slot worker that may not be ready yet; `more` is its environment."""
        return self._start_worker("--model", MODEL, name=name, env=self.environment(**more))

    def start(self, name: str = "slot", **more: str) -> Process:
        """A slot worker, ready."""
        worker = self.begin(name, **more)
        worker.wait_for_log(f"ready: {MODEL}")
        return worker

    def flow(self, name: str = "flow", **more: str) -> Process:
        """A flow worker, ready."""
        worker = self._start_worker("-Q", "flow", "-c", "1", name=name, env=self.environment(**more))
        worker.wait_for_log("ready")
        return worker

    def runs(self, text: str | None = None) -> list[Run]:
        """The runs of a text (of all texts), the first to begin first."""
        with contextlib.suppress(FileNotFoundError):
            lines = [json.loads(line) for line in self.journal.read_text().splitlines()]
            wanted = [line for line in lines if text is None or line["text"] == digest(text)]
            began = [line for line in wanted if line["what"] == "began"]
            return [_run(line, wanted) for line in began]
        return []


def _run(began: Mapping[str, Any], lines: list[dict[str, Any]]) -> Run:
    def is_its_end(line: Mapping[str, Any]) -> bool:
        same = line["what"] == "ended" and line["pid"] == began["pid"] and line["text"] == began["text"]
        return bool(same and line["ns"] >= began["ns"])

    ends = [line["ns"] for line in lines if is_its_end(line)]
    return Run(began["pid"], began["ns"] / 1e9, min(ends) / 1e9 if ends else None)


def is_alive(pid: int) -> bool:
    """Whether the process could still run: neither gone nor a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


def died_at(pid: int) -> float:
    """When the process was seen dead, by the monotonic clock."""
    wait_for(lambda: not is_alive(pid), what=f"the end of process {pid}")
    return time.monotonic()


def record_of(ledger: Ledger, job_id: str) -> Record:
    """The job's record, which must be there."""
    record = ledger.queries.record(job_id)
    assert record is not None
    return record
