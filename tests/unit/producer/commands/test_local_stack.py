"""A borrowed stack, whole: started, reached, and gone with its borrower."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import redis

from producer import Client
from producer.commands.local_stack import BorrowedStack
from tasks.errors import InvalidInput
from tests.fixtures.processes import LeftOver, StartProcess
from tests.fixtures.waiting import GIVE_UP_S

STRUCK_IN_ITS_FORK = """
import os, signal, sys
from tasks.command import main

strikes = [signal.SIGINT]
os.register_at_fork(after_in_parent=lambda: strikes and signal.raise_signal(strikes.pop()))
main(sys.argv[1:])
"""


def test_it_speaks_while_it_is_borrowed_and_leaves_nothing(
    own_environment: None, catalog_file: Path, left_over: LeftOver
) -> None:
    with BorrowedStack({"quick": 1, "slow": 2}) as stack:
        assert stack.announcement == "starting Redis, 1 quick slot, 2 slow slots and a flow worker …"
        ready = stack.start()
        stack.check()
        assert (
            Client(ready.broker_url, ready.store_url).submit_paragraph("Hello.", model="quick").wait(GIVE_UP_S).computed
        )
    assert left_over() == []
    with pytest.raises(redis.ConnectionError), redis.Redis.from_url(ready.broker_url) as client:
        client.ping()
    stack.stop()


def test_a_stack_that_cannot_start_says_why_in_one_line(
    own_environment: None, catalog_file: Path, left_over: LeftOver
) -> None:
    with BorrowedStack({"qick": 1}) as stack, pytest.raises(InvalidInput, match="^local stack: .*did you mean 'quick'"):
        stack.start()
    assert left_over() == []


def test_ctrl_c_while_the_stacks_process_is_forked_stops_the_command(
    catalog_file: Path, start_process: StartProcess, left_over: LeftOver, tmp_path: Path
) -> None:
    (tmp_path / "one.txt").write_text("One paragraph.")
    arguments = ("read", "--local", "one.txt", "--model", "quick", "-o", "out")
    process = start_process(sys.executable, "-c", STRUCK_IN_ITS_FORK, *arguments, cwd=tmp_path)
    assert process.wait(60) == 130
    assert left_over() == []
