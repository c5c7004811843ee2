"""Each message between parent and child survives the line; what is none is refused by name."""

from __future__ import annotations

import typing

import pytest

from tasks.offers import Published
from workers.wire import messages as wire
from workers.wire.messages import BadMessage, decode, encode
from workers.wire.state import State

OFFER = Published("model", "adapter", "r1", 22050, {"an": "vi"}, "an", 512, {"vi": 2.5})

FROM_CHILD = [
    *(wire.StateEntered(state) for state in State),
    wire.Loaded(1.5, OFFER),
    wire.Loaded(0.0),
    wire.Loaded(1.5, OFFER, rss_bytes=3),
    wire.MemoryUsed(3),
    wire.FailedToLoad("ModelLoadError: «gone»", is_permanent=True, traceback="line 1\nline 2"),
    wire.StandsBy(),
    wire.WaitsForTurn("slot-1@here"),
    wire.VariantLoadBegan("anna"),
    wire.VariantLoadEnded("anna", is_loaded=False),
    wire.RegistryOffer(OFFER),
    wire.RegistryHolds(("anna", "bert"), 3, 1.5),
    wire.OperationRan(3),
    wire.OperationRan(3, 1.5, "ModelError: no"),
    wire.Status(3, {"pid": 1, "voices": ["an"], "load_s": None, "registry": {"rows": [{"id": "anna"}]}}),
]
FROM_PARENT = [
    wire.AskStatus(3),
    wire.CancelRequests(7, (0, 3)),
    *(wire.RunOperation(1, one) for one in wire.Operation),
]


@pytest.mark.parametrize("message", FROM_CHILD, ids=repr)
def test_what_the_child_sends_arrives_as_it_was(message: wire.FromChild) -> None:
    line = encode(message)
    assert line.count(b"\n") == 1
    assert decode(line, wire.FROM_CHILD) == message
    with pytest.raises(BadMessage, match=type(message).__name__):
        decode(line, wire.FROM_PARENT)


@pytest.mark.parametrize("message", FROM_PARENT, ids=repr)
def test_what_the_parent_sends_arrives_as_it_was(message: wire.FromParent) -> None:
    assert decode(encode(message), wire.FROM_PARENT) == message


def test_every_type_that_may_be_sent_can_be_read_and_stands_in_these_tests() -> None:
    assert set(wire.FROM_CHILD) == {one.__name__ for one in typing.get_args(wire.FromChild)}
    assert set(wire.FROM_CHILD) == {type(message).__name__ for message in FROM_CHILD}
    assert set(wire.FROM_PARENT) == {one.__name__ for one in typing.get_args(wire.FromParent)}
    assert set(wire.FROM_PARENT) == {type(message).__name__ for message in FROM_PARENT}


@pytest.mark.parametrize(
    ("line", "named"),
    [
        (b"nonsense", "nonsense"),
        (b"\xff", "not a message"),
        (b"[1, 2]", "not a message"),
        (b'{"number": 1}', "not a message"),
        (b'{"type": ["AskStatus"]}', "AskStatus"),
        (b'{"type": "Dance"}', "'Dance' is not a message"),
        (b'{"type": "AskStatus"}', "AskStatus: number: "),
        (b'{"type": "AskStatus", "number": "one"}', "AskStatus: number: "),
        (b'{"type": "AskStatus", "number": 1, "loudly": true}', "AskStatus: loudly: "),
    ],
)
def test_what_is_no_message_is_an_error_that_names_it(line: bytes, named: str) -> None:
    with pytest.raises(BadMessage, match=named):
        decode(line, wire.FROM_PARENT)
