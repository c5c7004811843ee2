"""What a client sends to a model of any kind, what it stores for it, and what it refuses before."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
import redis

from producer import Client
from producer.inference.field_files import NO_INPUT
from tasks.errors import IdInUse, InvalidInput, ModelError, OtherStore, UnknownModel
from tasks.messages.infer import InferResult
from tasks.offers import Offers, Published
from tasks.routing import ALONE, list_key
from tasks.shared_store.users import StoreUse
from tests.fixtures.environment import UseCatalog
from tests.unit.producer.messages import ANSWER_CATALOG, SCHEMA, sent


@pytest.fixture
def client(broker: str, use_catalog: UseCatalog) -> Client:
    use_catalog(ANSWER_CATALOG)
    return Client()


@pytest.fixture
def offered(client: Client, raw_redis: Any) -> None:
    """A worker of the model was ready, and has published what an input looks like."""
    Offers(raw_redis).publish(Published("ask", "own", "1", 0, craft="infer", input_schema=json.dumps(SCHEMA)))


def asked(redis_client: redis.Redis) -> list[dict[str, Any]]:
    """The fields of the messages that were sent."""
    found = sent(redis_client, list_key("ask", ALONE))
    assert {task for task, _ in found} <= {"infer.one"}
    return [fields for _, fields in found]


def test_an_input_is_any_json_value(client: Client, redis_client: redis.Redis) -> None:
    values: list[Any] = [{"text": "xin chào", "more": None}, [1, 2.5], "a", None]
    for value in values:
        client.infer("ask", value)
    client.infer("ask", {"n": 1}, timeout_s=5.0)
    *others, last = asked(redis_client)
    assert others == [{"model": "ask", "input": value} for value in values]
    assert last == {"model": "ask", "input": {"n": 1}, "timeout_s": 5.0}


def test_files_are_stored_and_their_names_are_fields(client: Client, redis_client: redis.Redis, tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(b"PNG")
    client.infer("ask", {"n": 1}, files={"image": tmp_path / "x.png", "more": [b"1", io.BytesIO(b"2")]})
    client.infer("ask", files={"image": b"PNG"})
    first, second = (fields["input"] for fields in asked(redis_client))
    assert first["n"] == 1
    assert second == {"image": first["image"]}
    contents = [client.store.read_bytes(name) for name in (first["image"], *first["more"])]
    assert contents == [b"PNG", b"1", b"2"]


def test_what_the_published_schema_refuses_is_not_sent_and_not_stored(
    client: Client, offered: None, redis_client: redis.Redis
) -> None:
    missing = f"file/ab/{'ab' * 32}.bin"
    wrong: list[tuple[Any, dict[str, Any], str]] = [
        (NO_INPUT, {}, "input: is missing"),
        ({}, {}, "input.image: is missing"),
        ({"n": 0}, {"image": b"1"}, "input.n: 0 is less than the minimum of 1"),
        ({"m": 0}, {"image": b"1"}, "input.m: there is no such field"),
        ({}, {"image": b"more than ten"}, "input.image: a file of 13 B; at most 10 B"),
        ({"image": missing}, {}, f"input.image: {missing} is not in the store"),
        ({"more": [missing]}, {"image": b"1"}, f"input.more.0: {missing} is not in the store"),
    ]
    for value, files, words in wrong:
        with pytest.raises(InvalidInput, match=f"^{re.escape(words)}"):
            client.infer("ask", value, files=files)
    assert asked(redis_client) == []
    assert not list(Path(client.store.place).rglob("*.bin"))
    client.infer("ask", files={"image": b"1"})
    assert len(asked(redis_client)) == 1


def test_another_model_and_an_id_in_use_are_refused(client: Client) -> None:
    with pytest.raises(UnknownModel, match="did you mean 'ask'"):
        client.infer("aks", 1)
    with pytest.raises(InvalidInput, match="^model: 'quick' "):
        client.infer("quick", 1)
    with pytest.raises(InvalidInput, match=r"^input\.a: NaN is not JSON"):
        client.infer("ask", {"a": float("nan")})
    chapter = client.submit_chapter("Hello.", model="quick")
    with pytest.raises(IdInUse):
        client.infer("ask", 2, job_id=chapter.id)


def test_many_inputs_name_files_of_the_store_and_the_first_wrong_one_is_numbered(
    client: Client, offered: None, redis_client: redis.Redis
) -> None:
    small, large = client.put(b"1"), client.put(b"more than ten")
    with pytest.raises(InvalidInput, match=r"^input 2: input\.image: a file of 13 B; at most 10 B"):
        client.map("ask", [{"image": small}, {"image": large}])
    with pytest.raises(InvalidInput, match=r"^input 1: input\.image: is missing"):
        client.map("ask", [{}])
    client.map("ask", [{"image": small}])
    [(task, fields)] = sent(redis_client, "flow")
    assert (task, fields["inputs"]) == ("infer.map", [{"input": {"image": small}}])


def test_an_error_in_the_place_of_a_result_is_raised_where_its_output_is_asked_for(client: Client) -> None:
    made = InferResult(
        artifact="infer/ab/ab.bin", media_type="application/json", bytes=1, computed=True, is_inline=True, output=5
    )
    assert client.output_of(made) == 5
    with pytest.raises(ModelError, match="input 2: no"):
        client.output_of(ModelError("input 2: no"))


def test_a_file_is_put_under_a_name_that_comes_back(client: Client) -> None:
    name = client.put(b"bytes", "image/png")
    assert client.store.read_bytes(name) == b"bytes"
    with pytest.raises(InvalidInput, match=r"^data: is a text, 'x.png'; give a file as pathlib.Path"):
        client.put("x.png")  # type: ignore[arg-type]


def test_nothing_is_put_or_sent_where_the_workers_would_not_find_it(
    client: Client, raw_redis: Any, redis_client: redis.Redis, other_store: StoreUse
) -> None:
    other_store.join(raw_redis, 30)
    with pytest.raises(OtherStore, match="nothing was stored"):
        client.put(b"bytes")
    with pytest.raises(OtherStore, match="nothing was sent"):
        client.infer("ask", files={"image": b"bytes"})
    assert asked(redis_client) == []
    assert not list(Path(client.store.place).rglob("*.bin"))
