"""`slotline up` in one terminal, everything else in another, where nothing is exported."""

from __future__ import annotations

import re
import sys
import wave
from pathlib import Path

import pytest
import redis

from producer import Client
from tasks import health
from tasks.launch import celery_command, slotline_command
from tasks.stacks.running import running
from tasks.store import identity
from tasks.store.artifacts import Store
from tests.fixtures.environment import UseCatalog
from tests.fixtures.processes import Process, StartProcess

CATALOG = """
[models.quick]
adapter = "rehearsal"
"""
CLIENT = """
from producer import Client
job = Client().submit_chapter("Hello from Python.", model="quick")
print(job.wait(60).duration_s > 0, job.save("python.wav")[0].name)
"""


@pytest.fixture
def stack(use_catalog: UseCatalog, start_process: StartProcess, monkeypatch: pytest.MonkeyPatch) -> Process:
    """A stack with a store of its own, started where the catalog is known; what comes later does not know it."""
    monkeypatch.delenv("SLOTLINE_STORE_URL")
    use_catalog(CATALOG)
    found = start_process(*slotline_command("up", "--model", "quick"), name="up", env={"SLOTLINE_CPU_SLOTS": "3"})
    monkeypatch.delenv("SLOTLINE_MODELS")
    found.wait_for_log("slotline is up", 60)
    return found


def test_a_stack_is_found_by_every_command_without_an_export(
    stack: Process, start_process: StartProcess, tmp_path: Path
) -> None:
    elsewhere = {"XDG_DATA_HOME": str(tmp_path / "another"), "SLOTLINE_CPU_SLOTS": "3"}
    (tmp_path / "here").mkdir()
    (tmp_path / "book.txt").write_text("Chapter 1\n\nOne two three.\n\nChapter 2\n\nFour five six.\n")

    def run(*command: str) -> str:
        process = start_process(*command, env=elsewhere, cwd=tmp_path / "here", name="command")
        assert process.wait(60) == 0, process.log()
        return process.log()

    joined = start_process(*celery_command("worker", "--model", "quick"), env=elsewhere, name="joined")
    run(*slotline_command("say", "Hello.", "--model", "quick", "-o", "say.wav"))
    run(*slotline_command("read", str(tmp_path / "book.txt"), "--model", "quick", "-o", "book"))
    assert run(sys.executable, "-c", CLIENT) == "True python.wav\n"
    assert len(list((tmp_path / "here" / "book").glob("*.wav"))) == 2
    with wave.open(str(tmp_path / "here" / "say.wav")) as sound:
        assert sound.getnframes() > 0
    assert "book" in run(*slotline_command("jobs"))
    joined.wait_for_log("ready: quick")
    assert len(re.findall("quick-cpu-[01]@", run(*slotline_command("health")))) == 2
    assert not (tmp_path / "another").exists()
    [address] = running()
    beats = [standing.beat for standing in health.read(Client(address.broker_url, address.store_url).connection.redis)]
    assert {beat.store for beat in beats} == {identity.known(Store(address.store_url))}
    stack.kill()
    assert running() == []


def test_what_has_another_store_is_refused_in_one_line_that_names_both_and_nothing_is_sent(
    stack: Process, start_process: StartProcess, tmp_path: Path
) -> None:
    """Another user, or a container: it knows the address of Redis, and its store is its own."""
    url = stack.wait_for_log(r"export CELERY_BROKER_URL=(\S+)")[1]
    (tmp_path / "other run").mkdir(mode=0o700)
    elsewhere = {
        "CELERY_BROKER_URL": url,
        "XDG_DATA_HOME": str(tmp_path / "another"),
        "XDG_RUNTIME_DIR": str(tmp_path / "other run"),
        "SLOTLINE_MODELS": str(tmp_path / "models.toml"),
    }
    (tmp_path / "book.txt").write_text("Chapter 1\n\nOne two three.\n")
    both = [str(tmp_path / "another" / "slotline" / "store"), str(tmp_path / "data" / "slotline" / "store")]
    refused = [
        slotline_command("read", str(tmp_path / "book.txt"), "--model", "quick", "-o", str(tmp_path / "out")),
        slotline_command("say", "Hello.", "--model", "quick", "-o", str(tmp_path / "say.wav")),
        slotline_command("retry", "--all"),
        slotline_command("prune"),
        celery_command("worker", "-Q", "flow"),
        celery_command("worker", "--model", "quick"),
    ]
    started = [start_process(*command, env=elsewhere, name="refused") for command in refused]
    for process in started:
        assert process.wait(60) == 2, process.log()
        [line] = [line for line in process.log().splitlines() if line.startswith("slotline: ")]
        assert line.startswith("slotline: SLOTLINE_STORE_URL: ")
        assert all(place in line for place in both)
    with redis.Redis.from_url(url) as client:
        assert client.keys("slotline:job*") == client.keys("flow*") == client.keys("quick*") == []
    assert not (tmp_path / "out").exists()
