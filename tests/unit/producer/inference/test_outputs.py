"""An answer is in its result, or in the store."""

from __future__ import annotations

from typing import Any

import pytest

from producer.connection import Connection
from producer.inference.outputs import read_output
from tasks.errors import ArtifactMissing, InvalidInput, StoreError
from tasks.messages import MapResult
from tasks.messages.infer import InferResult
from tasks.store.artifacts import Store

NAME = "infer/ab/ab.bin"
REFUSAL = "the output is not read"


@pytest.fixture
def connection(broker: str) -> Connection:
    return Connection(broker)


def result(**fields: Any) -> InferResult:
    return InferResult(**{"artifact": NAME, "media_type": "application/json", "bytes": 9, "computed": True, **fields})


def test_a_short_json_value_is_in_the_result_also_null(connection: Connection, store: Store) -> None:
    for value in (None, 0, {"label": "a"}):
        assert read_output(connection, store, result(is_inline=True, output=value), REFUSAL) == value


def test_a_long_one_and_bytes_are_in_the_store(connection: Connection, store: Store) -> None:
    store.put_bytes(NAME, '["xin chào"]'.encode())
    assert read_output(connection, store, result(), REFUSAL) == ["xin chào"]
    assert read_output(connection, store, result(media_type="image/png"), REFUSAL) == '["xin chào"]'.encode()


def test_what_is_no_answer_or_cannot_be_read_is_said(connection: Connection, store: Store) -> None:
    with pytest.raises(InvalidInput, match="^result: is no answer of a model of the craft infer, but 3 inputs"):
        read_output(connection, store, MapResult(total=3, computed=3, results=[]), REFUSAL)
    with pytest.raises(InvalidInput, match="^result: is no answer of a model of the craft infer, but NoneType$"):
        read_output(connection, store, None, REFUSAL)
    with pytest.raises(ArtifactMissing, match=NAME):
        read_output(connection, store, result(), REFUSAL)
    store.put_bytes(NAME, b"{")
    with pytest.raises(StoreError, match=f"^artifact {NAME} is not JSON"):
        read_output(connection, store, result(), REFUSAL)
