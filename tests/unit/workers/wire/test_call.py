"""One request as the pool hands it to the child: its fields, however Celery has packed them."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tasks.errors import InvalidInput
from workers.wire.call import Call

KWARGS = {"text": "Chào", "model": "m"}
BODY = json.dumps([[], KWARGS, {"chain": None}])


def call(body: Any, headers: dict[str, Any] | None = None) -> Call:
    return Call("speech.paragraph", "one", headers or {}, body, "application/json", "utf-8")


@pytest.mark.parametrize(
    "body",
    [
        BODY,
        BODY.encode(),
        memoryview(BODY.encode()),
        base64.b64encode(BODY.encode()).decode(),
        ([], KWARGS, {}),
    ],
    ids=["text", "bytes", "memoryview", "base64", "decoded"],
)
def test_the_keyword_arguments_are_read_from_every_form_of_a_body(body: Any) -> None:
    assert call(body).kwargs() == KWARGS


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"nonsense", "body: not a Celery message"),
        (b"\xff\xfe", "body: not a Celery message"),
        ([[], 7, {}], "body: not a Celery message"),
        (b"[" * 200_000, "body: not a Celery message"),
        ([["positional"], {}, {}], "args: give keyword arguments only"),
    ],
)
def test_what_is_no_body_of_celerys_is_refused_in_words(body: Any, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        call(body).kwargs()


def test_a_message_is_known_by_its_delivery_tag_and_else_by_its_task() -> None:
    assert call(BODY, {"properties": {"delivery_tag": "tag"}}).delivery_tag == "tag"
    assert call(BODY).delivery_tag == "one"
