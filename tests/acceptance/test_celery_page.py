"""What docs/celery.md says, tried on real workers: each command and each option does what its row says.

One slot worker and one flow worker get all commands; they are started with all options that work.
`tests/house/test_celery_page.py` compares the page with Celery's own lists.
"""

from __future__ import annotations

import copy
import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from celery.bin.base import CLIContext
from celery.bin.celery import celery as celery_command
from celery.bin.worker import worker as worker_command
from celery.concurrency.prefork import TaskPool
from redis import Redis

import workers as workers_package
from tasks.errors import SettingsError
from tests.fixtures.celery_page import COMMANDS, GLOBAL_OPTIONS, OPTIONS, Row, rows
from tests.fixtures.environment import UseCatalog
from tests.fixtures.processes import ROOT, Process, StartProcess
from tests.fixtures.waiting import GIVE_UP_S, WaitUntil
from workers.options import kind_of
from workers.upstream.command_line import given_options, given_settings

CATALOG = '[models.quick]\nadapter = "rehearsal"\nseconds = 0.2\n'
HOST = "test.page"
SLOT, FLOW = f"s-cpu-0@{HOST}", f"f-0@{HOST}"
NO_ID = "0b1d3f2a-none-of-these"

GLOBAL = ("-A", "workers", "-C", "-q", "--skip-checks", "--workdir", str(ROOT))
FOR_BOTH = (
    *("-l", "INFO", "-E", "-O", "fair", "--without-gossip", "--without-mingle", "--heartbeat-interval", "3"),
    *("-I", "json", "--without-heartbeat", "--umask", "022", "--executable", sys.executable),
)
FOR_SLOT = ("--model", "quick", "--lazy", "-n", f"s-%i@{HOST}")
FOR_FLOW = (
    *("-Q", "flow", "-c", "1", "-n", f"f-%i@{HOST}", "--prefetch-multiplier", "2", "--disable-prefetch"),
    *("--time-limit", "60", "--soft-time-limit", "50"),
    *("--max-tasks-per-child", "100", "--max-memory-per-child", "4000000"),
)
FILES = ("-f", "--pidfile", "-S")
"""The options that work, all at once."""
TRIED_ELSEWHERE = {"--uid", "--gid", "--version", "-b", "-D"}
"""They need other rights, start no worker, or have a test of their own (`tests/unit/workers/test_detach.py`)."""

REFUSED = {
    "--autoscale": "3,1",
    "--config": "x",
    "--loader": "x",
    "--max-memory-per-child": "9",
    "--max-tasks-per-child": "9",
    "--model": "quick",
    "--pool-start-method": "spawn",
    "--prefetch-multiplier": "2",
    "--scheduler": "x",
    "--soft-time-limit": "9",
    "--time-limit": "9",
    "-P": "solo",
    "-Q": "quick",
    "-X": "celery",
    "-c": "2",
    "-s": "x",
}
"""A refused value of each option that takes one. `--result-backend` is refused with the other settings."""

ARGUMENTS: dict[str, dict[str, Any]] = {
    "autoscale": {"max": 3, "min": 1},
    "election": {"id": NO_ID, "topic": "leader"},
    "hello": {"from_node": "somebody@else"},
    "query_task": {"ids": [NO_ID]},
    "rate_limit": {"task_name": "speech.paragraph", "rate_limit": "100/s"},
    "revoke": {"task_id": NO_ID},
    "revoke_by_stamped_headers": {"headers": {"stamp": [NO_ID]}},
    "slotline_cancel": {"ids": [NO_ID]},
    "slotline_model_timeout": {"seconds": 0},
    "terminate": {"task_id": NO_ID, "signal": "KILL"},
    "time_limit": {"task_name": "speech.chapter", "hard": 600, "soft": 500},
}
"""The arguments of those commands that need some; a queue's name is that of the worker."""


class Workers:
    """A slot worker and a flow worker, and what they answer to remote control."""

    def __init__(self, celery: Celery, slot: Process, flow: Process) -> None:
        self.celery, self.slot, self.flow = celery, slot, flow

    def ask(self, command: str, is_slot: bool, **arguments: Any) -> Any:
        """One worker's answer."""
        name = SLOT if is_slot else FLOW
        answers: Any = self.celery.control.broadcast(
            command, arguments=arguments, destination=[name], reply=True, timeout=GIVE_UP_S, limit=1
        )
        return answers[0][name]

    def speak(self, text: str) -> Any:
        """One text that the slot speaks."""
        return self.celery.send_task("speech.paragraph", kwargs={"model": "quick", "text": text}, queue="quick")


@pytest.fixture
def workers(
    use_catalog: UseCatalog, broker: str, start_process: StartProcess, foreign: Celery, tmp_path: Path,
    wait_until: WaitUntil,
) -> Workers:  # fmt: skip
    """Both workers, started with every option that works for them."""
    use_catalog(CATALOG)
    files = [word for option in FILES for word in (option, f"{tmp_path}/%n{option}")]
    command = (sys.executable, "-m", "celery", *GLOBAL, "worker", *FOR_BOTH, *files)
    slot, flow = start_process(*command, *FOR_SLOT, name="slot"), start_process(*command, *FOR_FLOW, name="flow")
    wait_until(lambda: "ready: quick on s-cpu-0" in written(tmp_path / "s-cpu-0-f"), what="the slot worker's log")
    wait_until(lambda: f"{FLOW} ready" in written(tmp_path / "f-0-f"), what="the flow worker's log")
    for process, name in ((slot, "s-cpu-0"), (flow, "f-0")):
        assert written(tmp_path / f"{name}--pidfile").strip() == str(process.pid)
        assert list(tmp_path.glob(f"{name}-S*")), "the state database has the worker's final name"
    return Workers(foreign, slot, flow)


def written(path: Path) -> str:
    """A file's text; empty while there is none."""
    return path.read_text() if path.exists() else ""


def test_every_command_does_what_its_row_says(workers: Workers, raw_redis: Redis, wait_until: WaitUntil) -> None:
    listed = [row for row in rows(COMMANDS) if row.names != ("shutdown",)]
    for row in sorted(listed, key=lambda row: "add_consumer" in row.names):  # last: it ends what cancel_consumer began
        for name in row.names:
            for is_slot in (True, False):
                answer = workers.ask(name, is_slot, **arguments_of(name, is_slot))
                check(name, row, is_slot, answer)
    assert workers.speak("Still one model.").get(timeout=GIVE_UP_S)["computed"]
    assert len(workers.slot.children()) == 1, "pool_grow gave the slot no second model"
    wait_until(lambda: len(workers.flow.children()) == 1, what="the flow worker to have grown and shrunk again")
    no_other_queue(workers)
    pause_and_go_on(workers, raw_redis, wait_until)
    shut_down(workers, wait_until)


def arguments_of(name: str, is_slot: bool) -> dict[str, Any]:
    if name in ("add_consumer", "cancel_consumer"):
        return {"queue": "quick" if is_slot else "flow"}
    return ARGUMENTS.get(name, {})


def check(name: str, row: Row, is_slot: bool, answer: Any) -> None:
    error = answer.get("error", "") if isinstance(answer, dict) else ""
    if name == "objgraph" and importlib.util.find_spec("objgraph") is None:
        assert "Requires the objgraph library" in error
        return
    assert bool(error) is row.is_refused(is_slot), f"{name} answers {answer}"
    assert "\n" not in error


def no_other_queue(workers: Workers) -> None:
    """A broadcast without a destination reaches the flow worker too, which must not eat the model's messages."""
    for command in ("add_consumer", "cancel_consumer"):
        for is_slot, queue in ((True, "flow"), (False, "quick"), (False, "celery")):
            error = workers.ask(command, is_slot, queue=queue)["error"]
            assert error.startswith(f"{command}: queue: this worker reads ")
    assert [one["name"] for one in workers.ask("active_queues", is_slot=False)] == ["flow"]


def pause_and_go_on(workers: Workers, redis: Redis, wait_until: WaitUntil) -> None:
    assert "ok" in workers.ask("cancel_consumer", is_slot=True, queue="quick")
    wait_until(lambda: workers.ask("active_queues", is_slot=True) == [], what="the slot to read nothing")
    waiting = workers.speak("Wait for me.")
    assert workers.ask("reserved", is_slot=True) == []
    assert redis.llen("quick") == 1
    assert "ok" in workers.ask("add_consumer", is_slot=True, queue="quick")
    assert waiting.get(timeout=GIVE_UP_S)["computed"]


def shut_down(workers: Workers, wait_until: WaitUntil) -> None:
    """It answers nothing, and both end as after SIGTERM: what runs ends first."""
    last = workers.speak("The last one.")
    wait_until(lambda: workers.ask("active", is_slot=True), what="the slot to run it")
    workers.celery.control.shutdown()
    assert (workers.slot.wait(), workers.flow.wait()) == (0, 0)
    assert last.get(timeout=GIVE_UP_S)["computed"]


def test_every_option_that_works_is_among_those_that_the_workers_were_started_with() -> None:
    for is_slot, own in ((True, FOR_SLOT), (False, FOR_FLOW)):
        used = {*GLOBAL, *FOR_BOTH, *own, *FILES, *TRIED_ELSEWHERE}
        works = [row for heading in (OPTIONS, GLOBAL_OPTIONS) for row in rows(heading) if not row.is_refused(is_slot)]
        assert [row.names for row in works if not used.intersection(row.names)] == []


@pytest.mark.filterwarnings("ignore::celery.exceptions.CPendingDeprecationWarning")
@pytest.mark.parametrize("kind", [("--model", "quick"), ("-Q", "flow")], ids=["slot", "flow"])
def test_every_refused_option_is_refused_by_its_name(kind: tuple[str, str], use_catalog: UseCatalog) -> None:
    use_catalog(CATALOG)
    listed = [row for heading in (OPTIONS, GLOBAL_OPTIONS) for row in rows(heading)]
    refused = [row.names[0] for row in listed if row.is_refused(kind[0] == "--model")]
    for name in set(refused) - {"--result-backend"}:
        words = [name, *filter(None, [REFUSED.get(name)])]
        before = words if name in ("--config", "--loader") else []
        with pytest.raises(SettingsError) as error:
            as_a_worker_reads_it(before, [*kind, *([] if before else words)])
        own = "-Q" if name == "--model" else name  # both kinds at once: the line names the queue
        assert str(error.value).startswith(own), name


def as_a_worker_reads_it(before: list[str], arguments: list[str]) -> None:
    """Read a command line with Celery's own options, as the start of a worker does."""
    command = copy.copy(worker_command)
    command.params = [*worker_command.params, *workers_package.app.user_options["worker"]]
    root = celery_command.make_context("celery", [*before, "worker"])
    root.obj = CLIContext(workers_package.app, no_color=False, workdir=None)
    with command.make_context("worker", arguments, parent=root) as context:
        is_prefork = context.params["pool"] is TaskPool
        kind_of(context.params, is_prefork, given_options(), given_settings())
