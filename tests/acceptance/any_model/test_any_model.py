"""Somebody's own model through real workers: good and bad inputs meet in batches, one and many, JSON and bytes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from producer import Client
from tasks.errors import InvalidInput, JobCancelled, ModelError, WorkerLost
from tasks.messages import InferRequest, InferResult
from tasks.redis import keys
from tests.acceptance.any_model.tool import PNG
from tests.fixtures.environment import UseCatalog
from tests.fixtures.processes import ROOT, Process
from tests.fixtures.waiting import GIVE_UP_S, WaitUntil
from tests.fixtures.workers import StartWorker

INSTALLED = {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent / "installed"), str(ROOT)])}
CATALOG = """
[models.tool]
adapter = "tool"
batch_size = 8
at_once = 3
notes = "{notes}"

[models.many]
adapter = "tool"
path = "{notes}/models/{{id}}"
notes = "{notes}"
"""


@pytest.fixture
def start(use_catalog: UseCatalog, start_worker: StartWorker, tmp_path: Path) -> Callable[[str], Process]:
    """`start(model)`: a flow worker and a slot worker of the tool's package, both ready; the slot."""

    def started(model: str) -> Process:
        use_catalog(CATALOG.format(notes=tmp_path))
        flow = start_worker("-Q", "flow", "-c", "1", env=INSTALLED, name="flow")
        slot = start_worker("--model", model, env=INSTALLED, name="slot")
        slot.wait_for_log(f"ready: {model}")
        flow.wait_for_log("ready")
        return slot

    return started


@pytest.fixture
def slot(start: Callable[[str], Process], monkeypatch: pytest.MonkeyPatch) -> Process:
    monkeypatch.setenv("SLOTLINE_RETRY_S", "0.1")
    return start("tool")


def batches(folder: Path) -> list[list[int]]:
    return [json.loads(line) for line in (folder / "batches").read_text().splitlines()]


def said(outcome: Any) -> Any:
    """What a result of a map is: its JSON, its media type and size, or the error's class and words."""
    if isinstance(outcome, InferResult):
        return outcome.output if outcome.is_inline else (outcome.media_type, outcome.bytes)
    return (type(outcome), str(outcome))


def square(n: int, text: str = "") -> Mapping[str, Any]:
    return {"n": n, "square": n * n, "text": text}


def test_good_and_bad_inputs_meet_in_batches_and_each_has_its_own_end(
    slot: Process, client: Client, foreign: Celery, tmp_path: Path
) -> None:
    small, large = client.put(b"12345"), client.put(b"12345678901")
    gone = small.replace(small[8:20], "0" * 12)
    inputs = [*({"n": n} for n in range(9)), {"n": 1, "do": "draw"}, {"n": 13}, {"n": 2, "do": "nan"}]
    inputs += [{"n": 3, "do": "fail"}, {"n": 4, "file": small}, {"n": 5, "file": large}, {"n": 6, "file": gone}]
    given = {"model": "tool", "inputs": [{"input": one} for one in inputs]}
    job_id = foreign.send_task("infer.map", kwargs=given, queue="flow").id
    job = client.map("tool", [{"n": 100}])  # a map of the same queue; its answers are its own
    assert [said(one) for one in job.wait(GIVE_UP_S)] == [square(100)]
    with pytest.raises(Exception, match="5 of 16 inputs failed"):
        client.job(job_id).wait(GIVE_UP_S)
    outcomes = [said(one) for one in type(job)(client.connection, client.store, job_id).outcomes()]
    assert outcomes[:10] == [*map(square, range(9)), ("image/png", len(PNG) + 1)]
    assert outcomes[10:] == [
        (InvalidInput, "input 11: input.n: 13 brings bad luck"),
        (ModelError, "input 12: output.scores.1: NaN is not JSON"),
        (ModelError, "input 13: input.n: 3 is too much"),
        square(4, "12345"),
        (InvalidInput, f"input 15: input.file: {large} has 11 B; it may have 10 B at most"),
        (InvalidInput, f"input 16: input.file: artifact {gone} is not in {client.store.place}"),
    ]
    assert max(map(len, batches(tmp_path))) <= 8
    assert any(len(batch) > 3 for batch in batches(tmp_path)), "a batch that was halved"
    again = client.map("tool", [{"n": 7}, {"n": 1, "do": "draw"}])
    assert [(said(one), getattr(one, "computed", None)) for one in again.wait(GIVE_UP_S)] == [
        (square(7), False),
        (("image/png", len(PNG) + 1), False),
    ]


def test_bad_input_is_refused_in_one_line_at_the_edge_and_any_celery_client_is_told_the_same(
    slot: Process, client: Client, foreign: Celery
) -> None:
    with pytest.raises(InvalidInput, match="^input.n: -1 is less than the minimum of 0$"):
        client.submit(InferRequest.parse({"model": "tool", "input": {"n": -1}}))
    with pytest.raises(InvalidInput, match="^input 2: input.m: there is no such field$"):
        client.map("tool", [{"n": 1}, {"n": 1, "m": 2}])
    assert client.connection.redis.zcard(keys.JOBS) == 0
    made = client.submit(InferRequest.parse({"model": "tool", "input": {"n": 9, "do": "draw"}})).wait(GIVE_UP_S)
    assert isinstance(made, InferResult)
    assert client.store.read_bytes(made.artifact) == PNG + b"\x09"

    def ask(**kwargs: Any) -> Any:
        return foreign.send_task("infer.one", kwargs={"model": "tool", **kwargs}, queue="tool")

    asked = [
        (ask(input={"n": -1}), "input.n: Input should be greater than or equal to 0 (got -1)"),
        (ask(input={"n": "1"}), "input.n: Input should be a valid integer (got '1')"),
        (ask(input={"n": float("nan")}), "input.n: NaN is not JSON"),
        (ask(input={"n": 1, "m": 2}), "input.m: there is no such field"),
        (ask(input={"n": 13}), "input.n: 13 brings bad luck"),
        (ask(input={"n": 1, "file": "../x"}), "input.file: '../x' is not the name of an artifact"),
        (ask(inputs={"n": 1}), "input: is missing"),
        (ask(input={"n": 1}, variant="a"), "variant: 'tool' is one model, and has no variants"),
        (ask(input="x" * 300_000), "input: 293 KB of JSON; at most 256 KB: give large data as a file (Client.put)"),
    ]
    good = ask(input={"n": 12})
    for result, words in asked:
        with pytest.raises(Exception, match=r"^(input|variant)") as failed:
            result.get(timeout=GIVE_UP_S)
        assert str(failed.value).startswith(words)
    found = good.get(timeout=GIVE_UP_S)
    assert (found["kind"], found["output"], found["is_inline"]) == ("inference", square(12), True)


def test_a_killed_child_costs_one_attempt_of_its_own_input_and_a_cancelled_one_ends_at_once(
    slot: Process, client: Client, tmp_path: Path, wait_until: WaitUntil
) -> None:
    job = client.map("tool", [{"n": 1}, {"n": 2, "do": "die once"}, {"n": 3, "do": "die"}, {"n": 4}, {"n": 5}])
    outcomes = job.wait(GIVE_UP_S, return_errors=True)
    assert [said(outcomes[at]) for at in (0, 1, 3, 4)] == [square(1), "alive", square(4), square(5)]
    assert isinstance(outcomes[2], WorkerLost)
    assert "SIGKILL" in str(outcomes[2])
    child = slot.child()
    waits = client.submit(InferRequest.parse({"model": "tool", "input": {"n": 6, "do": "wait"}}))
    wait_until((tmp_path / "waits").exists)
    assert waits.cancel()
    with pytest.raises(JobCancelled):
        waits.wait(GIVE_UP_S)
    assert said(client.map("tool", [{"n": 7}]).wait(GIVE_UP_S)[0]) == square(7)
    assert slot.child() == child, "it stopped at a safe point"


def test_a_registry_has_a_model_for_each_variant(
    start: Callable[[str], Process], tmp_path: Path, client: Client
) -> None:
    (tmp_path / "models").mkdir()
    for name, factor in (("one", 1), ("ten", 10)):
        (tmp_path / "models" / name).write_text(str(factor))
    start("many")
    for variant, found in (("one", 9), ("ten", 90)):
        made = client.submit(InferRequest.parse({"model": "many", "input": {"n": 3}, "variant": variant}))
        assert made.wait(GIVE_UP_S).output["square"] == found
    assert [said(one)["square"] for one in client.map("many", [{"n": 1}, {"n": 2}], variant="ten").wait(GIVE_UP_S)] == [
        10,
        40,
    ]
    with pytest.raises(InvalidInput, match=r"^input 1: variant: many has no variant 'two'; it has one, ten$"):
        client.map("many", [{"n": 1}], variant="two")
    with pytest.raises(InvalidInput, match=r"^variant: missing; 'many' has a model for each variant"):
        client.submit(InferRequest.parse({"model": "many", "input": {"n": 3}}))
