"""A borrowed stack, whole: started, reached, and gone with its borrower."""

from __future__ import annotations

from pathlib import Path

import pytest
import redis

from producer import Client
from producer.commands.local_stack import BorrowedStack
from tasks.errors import InvalidInput
from tests.conftest import LeftOver


def test_it_speaks_while_it_is_borrowed_and_leaves_nothing(
    own_environment: None, catalog_file: Path, left_over: LeftOver
) -> None:
    with BorrowedStack("quick", 1) as stack:
        assert stack.announcement == "starting Redis, 1 quick slots and a flow worker …"
        ready = stack.start()
        stack.check()
        assert Client(ready.broker_url, ready.store_url).submit_paragraph("Hello.", model="quick").wait(60).computed
    assert left_over() == []
    with pytest.raises(redis.ConnectionError), redis.Redis.from_url(ready.broker_url) as client:
        client.ping()
    stack.stop()


def test_a_stack_that_cannot_start_says_why_in_one_line(
    own_environment: None, catalog_file: Path, left_over: LeftOver
) -> None:
    with BorrowedStack("qick", 1) as stack, pytest.raises(InvalidInput, match="^local stack: .*did you mean 'quick'"):
        stack.start()
    assert left_over() == []
