"""What a client stores for a model."""

from __future__ import annotations

from typing import Any

import pytest

from producer import Client
from tasks.errors import InvalidInput, OtherStore
from tasks.shared_store.users import StoreUse


@pytest.fixture
def client(broker: str) -> Client:
    return Client()


def test_a_file_is_put_under_a_name_that_comes_back(client: Client) -> None:
    name = client.put(b"bytes", "image/png")
    assert client.store.read_bytes(name) == b"bytes"
    with pytest.raises(InvalidInput, match="^data: is a text, 'x.png'; give a file as pathlib.Path"):
        client.put("x.png")  # type: ignore[arg-type]


def test_nothing_is_put_where_the_workers_would_not_find_it(
    client: Client, raw_redis: Any, other_store: StoreUse
) -> None:
    other_store.join(raw_redis, 30)
    with pytest.raises(OtherStore, match="nothing was stored"):
        client.put(b"bytes")
