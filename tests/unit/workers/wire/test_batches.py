"""The messages between parent and sidecar arrive as they were sent."""

from __future__ import annotations

from workers.wire.batches import CallsEnded, CancelCalls, ModelRan, Recall, Recalled, RunBatch
from workers.wire.call import Call, GivenBack, Lost, NotBegun, RunAlone
from workers.wire.frames import frame_pair


def test_each_message_arrives_as_it_was_sent() -> None:
    one, other = frame_pair()
    call = Call("speech.paragraph", "id", {"lang": "py"}, b"[]", "application/json", "utf-8")
    sent = [
        RunBatch(1, (call,), is_alone=True),
        CancelCalls(1, (0,), "time_limit=1 s, set by the sender"),
        Recall(2),
        Recalled(2),
        ModelRan(("a", "b"), worked=True),
        CallsEnded(
            1, ((0, (0, "result", 0.5)), (1, RunAlone()), (2, GivenBack()), (3, NotBegun()), (4, Lost())), 0.5, 1
        ),
    ]
    one.send_all(sent)
    assert [other.receive() for _ in sent] == sent
    one.close()
    other.close()
