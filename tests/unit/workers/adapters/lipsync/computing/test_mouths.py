"""Batches of frames over several stretches: their sizes, a cancelled stretch, and memory that runs out."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.errors import OutOfMemory
from tests.unit.workers.adapters.lipsync.computing.sessions import SIDE, Session, encoder_session, network_session
from workers.adapters.base import Cancelled
from workers.adapters.lipsync.computing.encoder import AudioEncoder
from workers.adapters.lipsync.computing.mouths import MouthMaker, Piece, take
from workers.adapters.lipsync.computing.network import Network
from workers.adapters.lipsync.computing.shared import Shared
from workers.adapters.lipsync.prepared import Mouths, PreparedStretch

FILE = Path("model_best.onnx")


def maker(session: Session, frames: int) -> MouthMaker:
    shared = Shared(AudioEncoder(encoder_session(), FILE, ""), frames)
    return MouthMaker(Network(session, FILE, ""), shared, "cpu")


def stretch(frames: int, value: int) -> PreparedStretch:
    """Frame i of it is all `value` + i."""
    faces = (
        np.zeros((frames, 3, SIDE, SIDE), np.uint8)
        + np.arange(value, value + frames, dtype=np.uint8)[:, None, None, None]
    )
    return PreparedStretch(faces, np.zeros((25, 80, 16), np.float32), (b"second",), 0, 22, 0)


def made(outcomes: list[Mouths | Exception]) -> list[list[int]]:
    """The value of each frame of each stretch, which must be that of its face."""
    found = []
    for one in outcomes:
        assert isinstance(one, Mouths), one
        assert (one.faces == one.faces[:, :1, :1, :1]).all()
        found.append(one.faces[:, 0, 0, 0].tolist())
    return found


def never(number: int) -> bool:
    return False


def test_pieces_are_taken_in_order_and_divided_where_a_batch_ends() -> None:
    waiting = deque([Piece(0, 0, 3), Piece(1, 0, 5), Piece(2, 4, 1)])
    assert list(take(waiting, 5)) == [Piece(0, 0, 3), Piece(1, 0, 2)]
    assert list(take(waiting, 5)) == [Piece(1, 2, 3), Piece(2, 4, 1)]
    assert not waiting


def test_frames_of_several_stretches_are_computed_in_one_batch_and_come_back_to_their_own() -> None:
    session = network_session()
    outcomes = maker(session, 4).make([stretch(3, 10), stretch(6, 50), stretch(1, 90)], never)
    assert made(outcomes) == [[10, 11, 12], [50, 51, 52, 53, 54, 55], [90]]
    assert session.sizes == [4, 4, 2]


def test_a_network_of_one_frame_at_once_gets_one() -> None:
    session = network_session(batch=1)
    assert made(maker(session, 25).make([stretch(2, 10), stretch(1, 50)], never)) == [[10, 11], [50]]
    assert session.sizes == [1, 1, 1]


def test_a_stretch_that_is_cancelled_between_batches_is_computed_no_further() -> None:
    session = network_session()
    outcomes = maker(session, 2).make(
        [stretch(2, 10), stretch(6, 50), stretch(1, 90)], lambda number: number == 1 and len(session.sizes) > 1
    )
    first, second, third = outcomes
    assert isinstance(second, Cancelled)
    assert made([first, third]) == [[10, 11], [90]]
    assert session.sizes == [2, 2, 1]


def out_of_memory_above(frames: int) -> Session:
    def compute(pictures: NDArray[Any], hears: NDArray[Any]) -> NDArray[Any]:
        if len(pictures) > frames:
            raise MemoryError
        return pictures[:, :3].copy()

    return network_session(compute=compute)


def test_when_memory_runs_out_batches_have_half_the_frames_from_then_on() -> None:
    session = out_of_memory_above(3)
    faces = maker(session, 10)
    assert made(faces.make([stretch(7, 10), stretch(5, 50)], never)) == [list(range(10, 17)), list(range(50, 55))]
    assert session.sizes == [10, 5, 2, 2, 2, 2, 2, 2]
    session.sizes.clear()
    assert made(faces.make([stretch(3, 10)], never)) == [[10, 11, 12]]
    assert session.sizes == [2, 1]


def test_a_frame_that_does_not_fit_alone_is_out_of_memory() -> None:
    with pytest.raises(OutOfMemory):
        maker(out_of_memory_above(0), 4).make([stretch(3, 10)], never)


def test_another_error_of_the_network_is_raised_as_it_is() -> None:
    def compute(pictures: NDArray[Any], hears: NDArray[Any]) -> NDArray[Any]:
        raise RuntimeError("a fault")

    with pytest.raises(RuntimeError, match="^a fault$"):
        maker(network_session(compute=compute), 4).make([stretch(3, 10)], never)


def test_the_warm_up_computes_as_many_frames_as_are_computed_at_once() -> None:
    session = network_session()
    maker(session, 6).warm_up()
    assert session.sizes == [6]
