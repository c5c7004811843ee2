"""The fork of the sidecar: it holds nothing that is not its own, and the child ends as it has ended."""

from __future__ import annotations

import logging
import os
import signal
import socket
from pathlib import Path
from typing import NoReturn

import pytest

from tests.fixtures.waiting import GIVE_UP_S
from workers.child.fork import end_with, fork, log_descriptors


def test_a_pipe_that_is_not_its_own_is_closed_in_the_new_process_and_its_number_is_not_used_again() -> None:
    kept, others = socket.socketpair()
    kept.settimeout(GIVE_UP_S)
    read, write = os.pipe()

    def main() -> NoReturn:
        fresh = os.open(os.devnull, os.O_RDONLY)
        os.close(write)  # as an object does that is collected
        others.send(f"{fresh not in (read, write)} {os.fstat(fresh).st_size}".encode())
        others.recv(1)
        os._exit(3)

    pid = fork(main, {others.fileno()})
    os.close(write)
    assert kept.recv(100) == b"True 0"
    assert os.read(read, 1) == b"", "it holds no end of the pipe"
    kept.send(b"!")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 3
    os.close(read)
    kept.close()
    others.close()


def test_an_error_of_the_new_process_ends_it() -> None:
    def main() -> NoReturn:
        raise ZeroDivisionError

    assert os.waitstatus_to_exitcode(os.waitpid(fork(main, ()), 0)[1]) == 1


def test_the_files_of_the_log_are_kept(tmp_path: Path) -> None:
    handler = logging.FileHandler(tmp_path / "log")
    logger = logging.getLogger("tests.of.the.fork")
    logger.addHandler(handler)
    try:
        assert handler.stream is not None
        assert handler.stream.fileno() in log_descriptors()
    finally:
        logger.removeHandler(handler)
        handler.close()
    assert isinstance(log_descriptors(), set), "a closed stream is no error"


@pytest.mark.parametrize(("ends", "code"), [(-signal.SIGKILL, -signal.SIGKILL), (3, 3), (0, 1)])
def test_a_child_ends_as_its_sidecar_has_ended(ends: int, code: int) -> None:
    child = os.fork()
    if child == 0:
        try:
            sidecar = os.fork()
            if sidecar == 0:
                os.kill(os.getpid(), -ends) if ends < 0 else os._exit(ends)
            end_with(sidecar)
            signal.pause()
        finally:
            os._exit(9)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == code
