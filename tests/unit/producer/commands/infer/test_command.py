"""`slotline infer` without workers: what it sends, and what it refuses before. With workers: tests/acceptance."""

from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import redis

from producer import Client
from producer.job import Job
from tasks.errors import ModelError
from tasks.offers import Offers, Published
from tests.fixtures.commands import Said, Slotline
from tests.fixtures.environment import UseCatalog
from tests.unit.producer.messages import ANSWER_CATALOG, SCHEMA, sent


@pytest.fixture(autouse=True)
def interrupted(broker: str, use_catalog: UseCatalog, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder with files, and Ctrl-C instead of a wait."""
    use_catalog(ANSWER_CATALOG)
    monkeypatch.chdir(tmp_path)
    Path("x.png").write_bytes(b"PNG")
    Path("in.jsonl").write_text('{"n": 1}\n{"n": 2}\n')

    def wait(job: Job, *args: object, **options: object) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr(Job, "wait", wait)


@pytest.fixture
def infer(slotline: Slotline) -> Any:
    def run(*arguments: str) -> Said:
        return slotline("infer", *arguments)

    return run


def test_one_input_is_one_request_that_goes_on_after_ctrl_c(infer: Any, redis_client: redis.Redis) -> None:
    said = infer("ask", '{"n": 1}', "--file", "image=x.png", "--timeout", "9")
    assert said.status == 130
    assert "no worker of ask is ready yet" in said.err
    assert "flow worker" not in said.err
    assert re.search(r"the same command gets its answer, or drop it: slotline cancel [0-9a-f-]{36}\n$", said.err)
    [(task, fields)] = sent(redis_client, "ask")
    assert (task, fields["timeout_s"], fields["input"]["n"]) == ("infer.one", 9, 1)
    assert Client().store.read_bytes(fields["input"]["image"]) == b"PNG"


def test_lines_are_one_job_that_is_taken_up_again(infer: Any, redis_client: redis.Redis) -> None:
    first, again = (infer("ask", "in.jsonl", "--file", "images=x.png", "--file", "images=in.jsonl") for _ in range(2))
    assert (first.status, again.status) == (130, 130)
    [job_id] = re.findall(r"in: 2 inputs sent as (\S+)", first.err)
    assert f"in: 2 inputs taken up again as {job_id}" in again.err
    assert f"slotline watch {job_id}" in again.err
    [(task, fields)] = sent(redis_client, "flow")
    assert (task, fields["title"], fields["craft"]) == ("infer.map", "in", "infer")
    assert [one["input"]["n"] for one in fields["inputs"]] == [1, 2]
    assert [len(one["input"]["images"]) for one in fields["inputs"]] == [2, 2]


def test_a_field_with_one_file_is_a_list_where_its_name_says_so(infer: Any, redis_client: redis.Redis) -> None:
    infer(
        "ask",
        "--file",
        "image=x.png",
        "--file",
        "one[]=x.png",
        "--file",
        "two[]=x.png",
        "--file",
        "two[]=in.jsonl",
        "-o",
        "a.json",
    )
    [(_, fields)] = sent(redis_client, "ask")
    assert {name: type(value) for name, value in fields["input"].items()} == {"image": str, "one": list, "two": list}
    assert fields["input"]["one"] == [fields["input"]["image"]] == fields["input"]["two"][:1]


def test_a_command_that_is_stopped_before_its_request_is_sent_says_so(
    infer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(client: Client, *args: object, **options: object) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr(Client, "infer", interrupted)
    said = infer("ask", "1")
    assert (said.status, said.err) == (130, "slotline: stopped; the same command begins again\n")


def test_an_error_is_a_record_where_records_are_asked_for(infer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def wait(job: Job, *args: object, **options: object) -> object:
        raise ModelError("output.scores.3: NaN is not JSON")

    monkeypatch.setattr(Job, "wait", wait)
    said = infer("ask", "1", "--json")
    assert said.status == 1
    assert json.loads(said.out) == {"error": {"type": "ModelError", "message": "output.scores.3: NaN is not JSON"}}
    assert said.err.endswith("slotline: output.scores.3: NaN is not JSON\n")
    assert infer("ask", "1").out == ""


def test_standard_input_is_an_input_or_a_file(
    infer: Any, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'{"n": 1}')))
    assert infer("ask", "-").status == 130
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\x89PNG")))
    assert infer("ask", "--file", "image=-").status == 130
    first, second = (fields["input"] for _, fields in sent(redis_client, "ask"))
    assert first == {"n": 1}
    assert Client().store.read_bytes(second["image"]) == b"\x89PNG"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["ask", "hello"], "INPUT: 'hello' is not JSON (Expecting value, character 1); a text has quotes"),
        (["ask"], "INPUT: is missing; give JSON, @FILE, - for standard input, or --file NAME=PATH"),
        ([], "Missing argument 'MODEL'"),
        (["aks", "1"], "model: no model 'aks' in "),
        (["quick", "1"], "model: 'quick' "),
        (["quick", "1", "2"], "input 1: model: 'quick' "),
        (["ask", "@none.json"], "none.json: no such file"),
        (["ask", "1", "--file", "x.png"], "--file: 'x.png' is not NAME=PATH: a field of the input, and its file"),
        (["ask", "--file", "image=none.png"], "none.png: no such file"),
        (["ask", "--file", "image=."], ".: a folder; name a file in it"),
        (["ask", "-", "--file", "image=-"], "--file: image: standard input is the input already"),
        (["ask", "1", "--file", "image=x.png"], "files: the input is no object, but int"),
        (["ask", '{"image": "a"}', "--file", "image=x.png"], "image: is in the input and among the files"),
        (["ask", "1", "--variant", "a"], "variant: 'ask' is one model, and has no variants"),
        (["ask", "1", "-o", "."], "-o: . is a folder; name a file in it"),
        (["ask", "in.jsonl", "-o", "./in.jsonl"], "-o: ./in.jsonl is a file of the input; name another"),
        (["ask", "--file", "image=x.png", "-o", "x.png"], "-o: x.png is a file of the input; name another"),
        (["ask", "1", "-o", "no/a.json"], "-o: there is no folder no; make it, or name another"),
        (["ask", "1", "--slots", "2"], "--slots: only with --local; else the workers that run have their own slots"),
        (["ask", "1", "--timeout", "0"], "timeout_s: "),
    ],
)
def test_what_is_wrong_is_one_line_before_anything_is_sent(
    infer: Any, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch, arguments: list[str], words: str
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"1")))
    said = infer(*arguments)
    assert said.status == 2, said
    assert said.err.startswith(f"slotline: {words}"), said
    assert said.err.count("\n") == 1
    assert (sent(redis_client, "ask"), sent(redis_client, "flow")) == ([], [])


def test_an_input_that_its_schema_refuses_is_named_with_its_number(
    infer: Any, raw_redis: Any, redis_client: redis.Redis
) -> None:
    Offers(raw_redis).publish(Published("ask", "own", "1", 0, craft="infer", input_schema=json.dumps(SCHEMA)))
    assert infer("ask", '{"n": 1}').err == "slotline: input.image: is missing\n"
    Path("large.bin").write_bytes(b"more than ten bytes")
    said = infer("ask", "in.jsonl", "--file", "image=large.bin")
    assert (said.status, said.err) == (2, "slotline: input 1: input.image: a file of 19 B; at most 10 B\n")
    assert sent(redis_client, "flow") == []
