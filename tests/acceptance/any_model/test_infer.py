"""A model of any kind is asked from Python, from the command line and by a plain Celery client, with real workers."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from producer import Client
from tasks.errors import ModelError
from tasks.launch import slotline_command
from tasks.pauses import pause, resume
from tests.fixtures.commands import Said, Slotline
from tests.fixtures.environment import UseCatalog
from tests.fixtures.processes import StartProcess
from tests.fixtures.waiting import GIVE_UP_S
from tests.fixtures.workers import StartPair, StartSlot

CATALOG = """
[models.ask]
adapter = "rehearsal"
gives = "answer"
faults = true
batch_size = 4

[models.draw]
adapter = "rehearsal"
gives = "answer"
media_type = "image/png"
"""
INPUTS = 40


@pytest.fixture(autouse=True)
def models(use_catalog: UseCatalog) -> None:
    use_catalog(CATALOG)


def test_a_client_gets_values_bytes_and_the_answers_of_many(
    start_pair: StartPair, start_slot: StartSlot, client: Client, foreign: Celery
) -> None:
    start_pair("ask")
    start_slot("draw")
    value = {"text": "xin chào", "numbers": [1, 2.5, None]}
    assert client.infer("ask", value).output(GIVE_UP_S) == value
    asked = client.infer("ask", None)
    assert asked.output(GIVE_UP_S) is None
    picture = client.infer("draw", value).output(GIVE_UP_S)
    assert json.loads(picture) == value
    made = client.infer("ask", {"text": "x" * 50_000}, files={"image": b"PNG"}).output(GIVE_UP_S)
    assert len(made["text"]) == 50_000
    assert client.store.read_bytes(made["image"]) == b"PNG"
    given: list[Any] = [1, {"text": "⚡error"}, None, [2], "three"]
    outcomes = client.map("ask", given).wait(GIVE_UP_S, return_errors=True)
    with pytest.raises(ModelError, match=r"^input 2: "):
        client.output_of(outcomes[1])
    assert [client.output_of(one) for one in (outcomes[0], *outcomes[2:])] == [1, None, [2], "three"]
    plain = foreign.send_task("infer.one", kwargs={"model": "ask", "input": {"n": 1}}, queue="ask")
    assert plain.get(timeout=GIVE_UP_S)["output"] == {"n": 1}


def test_a_command_prints_values_and_says_which_inputs_failed(
    start_pair: StartPair, slotline: Slotline, tmp_path: Path
) -> None:
    start_pair("ask")
    assert slotline("infer", "ask", '{"text": "xin chào"}') == Said(0, '{"text": "xin chào"}\n', "")
    failed = slotline("infer", "ask", '{"text": "⚡error"}')
    assert (failed.status, failed.out, failed.err.count("\n")) == (1, "", 1)
    some = slotline("infer", "ask", "1", '{"text": "⚡error"}', "3", "--json")
    assert some.status == 1
    assert "slotline: input 2: " in some.err
    records = [json.loads(line) for line in some.out.splitlines()]
    assert [record.get("output") for record in records] == [1, None, 3]
    assert records[1]["error"]["type"] == "ModelError"
    written = slotline("infer", "ask", "1", '{"text": "⚡error"}', "3", "-o", tmp_path / "out.jsonl")
    assert (written.status, written.out) == (1, f"{tmp_path}/out.jsonl: 2 answers, 0 computed, 1 failed\n")


def test_a_command_of_many_inputs_goes_on_when_it_is_started_again(
    start_pair: StartPair, start_process: StartProcess, raw_redis: Any, tmp_path: Path
) -> None:
    start_pair("ask")
    (tmp_path / "in.jsonl").write_text("".join(f'{{"n": {number}}}\n' for number in range(INPUTS)))
    command = [*slotline_command("infer", "ask", "in.jsonl", "-o", "out.jsonl")]
    pause(raw_redis, "ask", "this test")  # so the job is open until it is taken up again
    first = start_process(*command, name="infer", cwd=tmp_path)
    job_id = first.wait_for_log(rf"in: {INPUTS} inputs sent as (\S+)")[1]
    first.signal(signal.SIGINT)
    assert first.wait(30) == 130
    assert not (tmp_path / "out.jsonl").exists()
    again = start_process(*command, name="infer", cwd=tmp_path)
    again.wait_for_log(f"in: {INPUTS} inputs taken up again as {job_id}")
    resume(raw_redis, "ask")
    assert again.wait(60) == 0, again.log()
    assert f"out.jsonl: {INPUTS} answers, {INPUTS} computed" in again.log()
    lines = (tmp_path / "out.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [{"n": number} for number in range(INPUTS)]
