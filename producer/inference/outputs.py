"""What a model of any kind has answered: a JSON value, or bytes; read from the result, or from the store."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tasks.errors import InvalidInput, StoreError
from tasks.messages import Result
from tasks.messages.infer import JSON_TYPE, InferResult

if TYPE_CHECKING:
    from producer.connection import Connection
    from tasks.store.artifacts import Store


def read_output(connection: Connection, store: Store, result: Any, refusal: str) -> Any:
    """The JSON value, or bytes. Raises `InvalidInput` for what is no result of this craft, and the store's errors.

    `refusal` says what is not done where the workers have another store.
    """
    if not isinstance(result, InferResult):
        given = result.words() if isinstance(result, Result) else type(result).__name__
        raise InvalidInput(f"result: is no answer of a model of the craft infer, but {given}")
    if result.is_inline:
        return result.output
    connection.check_store(store, refusal)
    with connection.explaining(store, refusal):
        data = store.read_bytes(result.artifact)
    if result.media_type != JSON_TYPE:
        return data
    try:
        return json.loads(data)
    except ValueError as exc:
        raise StoreError(f"artifact {result.artifact} is not JSON: {exc}") from exc
