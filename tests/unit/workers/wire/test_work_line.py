"""The line to the child: runs come in order, and a run is begun or recalled, never both."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from workers.wire.socket_end import LinkClosed
from workers.wire.work_line import ModelEnd, ModelOffers, Run, RunEnded, SidecarEnd, work_line


def run(number: int, size: int = 1) -> Run:
    return Run(number, 1, [(0,)], [b"x" * size])


@pytest.fixture
def ends() -> Iterator[tuple[SidecarEnd, ModelEnd]]:
    sidecar, model = work_line()
    yield sidecar, model
    sidecar.close()
    model.close()


def test_the_kernel_holds_more_than_it_usually_does(ends: tuple[SidecarEnd, ModelEnd]) -> None:
    one, other = socket.socketpair()
    with one, other:
        usual = one.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
    for end in ends:
        assert end._frames._end.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) > usual


def test_runs_come_in_order(ends: tuple[SidecarEnd, ModelEnd]) -> None:
    sidecar, model = ends
    sidecar.send([run(1), run(2)])
    sidecar.send([run(3)])
    assert [model.next(), model.next(), model.next()] == [run(1), run(2), run(3)]


def test_a_recalled_run_is_never_begun_and_a_begun_one_is_not_recalled(ends: tuple[SidecarEnd, ModelEnd]) -> None:
    sidecar, model = ends
    sidecar.send([run(1), run(2), run(3)])
    assert model.next() == run(1)
    assert sidecar.recall() == {2, 3}
    sidecar.send([run(4)])
    assert model.next() == run(4)
    assert sidecar.recall() == frozenset()


def test_every_run_has_one_owner_however_the_two_race(ends: tuple[SidecarEnd, ModelEnd]) -> None:
    sidecar, model = ends
    begun: list[int] = []
    count = 2000

    def compute() -> None:
        while (found := model.next()) is not None:
            begun.append(found.number)

    computing = threading.Thread(target=compute)
    computing.start()
    recalled: list[int] = []
    for number in range(1, count + 1):
        sidecar.send([run(number)])
        if number % 3 == 0:
            recalled += sidecar.recall()
    while len(begun) + len(recalled) < count:
        pass
    model.wake()
    computing.join()
    assert sorted([*begun, *recalled]) == list(range(1, count + 1))


def test_a_run_larger_than_the_sockets_buffer_reaches_a_child_that_comes_late(
    ends: tuple[SidecarEnd, ModelEnd],
) -> None:
    sidecar, model = ends
    sending = threading.Thread(target=sidecar.send, args=([run(1, 5_000_000), run(2, 5_000_000)],))
    sending.start()
    assert [model.next(), model.next()] == [run(1, 5_000_000), run(2, 5_000_000)]
    sending.join()


def test_wake_interrupts_the_wait_once(ends: tuple[SidecarEnd, ModelEnd]) -> None:
    sidecar, model = ends
    model.wake()
    assert model.next() is None
    sidecar.send([run(1)])
    assert model.next() == run(1)


def test_answers_that_were_sent_before_the_childs_death_are_received() -> None:
    sidecar, model = work_line()
    model.answer(RunEnded(1, ["made"], 0.5))
    model.close()
    assert sidecar.receive() == RunEnded(1, ["made"], 0.5)
    with pytest.raises(LinkClosed):
        sidecar.receive()
    sidecar.close()


def test_the_child_learns_that_its_sidecar_has_ended() -> None:
    sidecar, model = work_line()
    sidecar.close()
    with pytest.raises(LinkClosed):
        model.next()
    model.close()


def test_the_child_waits_until_the_sidecar_has_taken_an_offer(ends: tuple[SidecarEnd, ModelEnd]) -> None:
    sidecar, model = ends
    order: list[str] = []

    def offer() -> None:
        model.offer(ModelOffers("offer"))
        order.append("the child goes on")

    child = threading.Thread(target=offer)
    child.start()
    assert sidecar.receive() == ModelOffers("offer", is_waited=True)
    order.append("taken")
    sidecar.took()
    child.join(10)
    assert order == ["taken", "the child goes on"]


def test_a_child_that_waits_for_a_sidecar_that_has_ended_learns_it() -> None:
    sidecar, model = work_line()
    sidecar.close()
    with pytest.raises(LinkClosed):
        model.offer(ModelOffers("offer"))
    model.close()
