"""A paragraph that kills, hogs or never ends: it fails alone after three tries, and its worker lives on.

Real slot and flow workers; only the model is the rehearsal. The memory is really taken:
the worker runs under a limit of its address space that the paragraph breaks.
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import pytest
from celery import Celery

from producer import Client
from tasks.errors import PartsFailed
from tasks.flow.ledger.limits import ATTEMPTS_ALLOWED
from tests.fixtures.environment import UseCatalog
from tests.fixtures.processes import Process, StartProcess
from tests.fixtures.workers import StartFlow, StartPair

CATALOG = """
[models.poisoned]
adapter = "rehearsal"
faults = true
time_limit_s = 1.5
journal = "{journal}"
"""

FATAL = """
import os
import sys

from workers.adapters.rehearsal import Rehearsal


class EndsItsReader:
    def __reduce__(self):
        return os._exit, (3,)


class Fatal(Rehearsal):
    def prepare(self, item):
        if "made ready" in item.text:
            sys.exit("a library that does not like its input")
        if "being read" in item.text:
            raise KeyboardInterrupt
        return super().prepare(item)

    def run(self, batch):
        made = super().run(batch)
        return [EndsItsReader() if "in its result" in one.text else sound for one, sound in zip(batch, made)]
"""
"""An adapter whose poisonous texts end the process that reads their results, the sidecar, or ask it to end."""

ADDRESS_SPACE_KIB = 3 * 1024 * 1024
HOG = "⚡hog=4096"
GOOD = ("The first one is good.", "The second one is good.", "The last one is good.")
LIMIT_S = 60.0


@pytest.fixture(autouse=True)
def catalog_file(use_catalog: UseCatalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SLOTLINE_RETRY_S", "0.1")
    return use_catalog(CATALOG.format(journal=tmp_path / "journal"))


@pytest.fixture
def slot(start_pair: StartPair) -> Process:
    return start_pair("poisoned")[1]


def runs_of(tmp_path: Path, count: int) -> bool:
    """Whether one text was begun `count` times and never ended, and every other one ended each time it was begun.

    A text that ended just before its process died may be begun again: its sound was not handed over yet.
    """
    told: dict[str, list[str]] = {}
    for line in (tmp_path / "journal").read_text().splitlines():
        noted = json.loads(line)
        told.setdefault(noted["text"], []).append(noted["what"])
    poisoned = [runs for runs in told.values() if "ended" not in runs]
    others = [runs for runs in told.values() if "ended" in runs]
    return poisoned == [["began"] * count] and all(runs == ["began", "ended"] * (len(runs) // 2) for runs in others)


def chapter_with(poison: str) -> str:
    return "\n\n".join([*GOOD[:2], f"This one is poison {poison}, alas.", GOOD[2]])


def assert_only_the_poison_failed(client: Client, job_id: str, error: PartsFailed) -> None:
    assert re.match(r"1 of 4 paragraphs failed: 3 \(«This one is poison", str(error))
    assert "The audio of the others is kept: chapter/" in str(error)
    record = client.ledger.queries.record(job_id)
    assert record is not None
    assert (record.label, record.done, record.failed) == ("FAILURE", 3, 1)
    kept = client.store.find(re.findall(r"chapter/\S+\.wav", str(error))[0])
    assert kept is not None
    assert kept.details["frames"] > 3 * 22_050


@pytest.mark.parametrize(
    ("poison", "reason"),
    [
        ("⚡crash", "its worker died in all 3 attempts.*SIGSEGV"),
        ("⚡killed", "its worker died in all 3 attempts.*SIGKILL"),
        ("⚡hang", "its worker died in all 3 attempts.*killed after time_limit_s = 1.5"),
        ("⚡memory", "memory ran out"),
    ],
)
def test_a_poisonous_paragraph_fails_alone_after_three_tries_and_its_worker_lives(
    client: Client, slot: Process, tmp_path: Path, poison: str, reason: str
) -> None:
    job = client.submit_chapter(chapter_with(poison), model="poisoned")
    with pytest.raises(PartsFailed, match=reason) as caught:
        job.wait(LIMIT_S)
    assert_only_the_poison_failed(client, job.id, caught.value)
    assert runs_of(tmp_path, ATTEMPTS_ALLOWED), (tmp_path / "journal").read_text()
    assert slot.returncode is None
    again = client.submit_chapter("The worker goes on.", model="poisoned").wait(LIMIT_S)
    assert again.duration_s > 0
    assert slot.returncode is None, "its parent is the same process as before"


@pytest.mark.parametrize(
    ("poison", "reason"),
    [
        ("in its result", "its worker died in all 3 attempts.*while its result was put away"),
        ("as it is made ready", "SystemExit: a library that does not like its input"),
        ("on being read", "its worker died in all 3 attempts before it began.*while it was made ready"),
    ],
)
def test_what_ends_the_process_beside_the_model_or_would_fails_alone(
    use_catalog: UseCatalog,
    client: Client,
    start_pair: StartPair,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    poison: str,
    reason: str,
) -> None:
    (tmp_path / "fatal.py").write_text(FATAL)
    metadata = tmp_path / "fatal-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: fatal\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[slotline.adapters]\nfatal = fatal:Fatal\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    use_catalog(CATALOG.format(journal=tmp_path / "journal").replace("rehearsal", "fatal"))
    slot = start_pair("poisoned")[1]
    job = client.submit_chapter(chapter_with(poison), model="poisoned")
    with pytest.raises(PartsFailed, match=reason) as caught:
        job.wait(LIMIT_S)
    assert_only_the_poison_failed(client, job.id, caught.value)
    assert slot.returncode is None


def test_a_paragraph_that_takes_more_memory_than_there_is_costs_three_attempts_and_no_process(
    client: Client, start_flow: StartFlow, start_process: StartProcess, tmp_path: Path
) -> None:
    start_flow()
    limited = f"ulimit -v {ADDRESS_SPACE_KIB} && exec python -m celery -A workers worker --model poisoned"
    python = Path(sys.executable).parent
    slot = start_process("sh", "-c", limited, env={"PATH": f"{python}{os.pathsep}{os.environ['PATH']}"}, name="slot")
    slot.wait_for_log("ready: poisoned")
    job = client.submit_chapter(chapter_with(HOG), model="poisoned")
    with pytest.raises(PartsFailed, match="memory ran out") as caught:
        job.wait(LIMIT_S)
    assert_only_the_poison_failed(client, job.id, caught.value)
    assert runs_of(tmp_path, ATTEMPTS_ALLOWED), (tmp_path / "journal").read_text()
    assert "died" not in slot.log(), "the child outlives a MemoryError"
    assert client.submit_chapter("The worker goes on.", model="poisoned").wait(LIMIT_S).duration_s > 0


def test_a_poisonous_message_of_no_job_ends_in_failure_after_three_tries(
    foreign: Celery, client: Client, slot: Process
) -> None:
    kwargs = {"text": "Alone and ⚡crash.", "model": "poisoned"}
    result = foreign.send_task("speech.paragraph", kwargs=kwargs, queue="poisoned")
    with pytest.raises(Exception, match="its worker died in all 3 attempts"):
        result.get(timeout=LIMIT_S)
    assert slot.returncode is None
    assert client.submit_paragraph("Alone and good.", model="poisoned").wait(LIMIT_S).duration_s > 0
