"""An error of an adapter's code as one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.errors import InvalidInput
from tests.unit.workers.conformance.checked import entry_of
from workers.adapters.base import Cancelled
from workers.conformance.failure import CallFailed, Failure, calling, failure_of
from workers.conformance.looks import Looks


def failed(error: BaseException, home: Path | None = None) -> Failure:
    with pytest.raises(CallFailed) as caught, calling("run", home):
        raise error
    return caught.value.failure


def test_an_error_of_python_has_its_class_and_the_line_of_the_adapter() -> None:
    found = failed(KeyError("a"), Path(__file__))
    assert found.said.startswith("KeyError: 'a' (test_failure.py line ")
    assert failed(ValueError("two\nlines")).lines == 2


def test_a_fault_that_these_checks_have_found_has_no_line_of_theirs() -> None:
    with pytest.raises(CallFailed) as caught:
        Looks(entry_of("nothing"), "cpu").check_files()
    assert caught.value.failure.place == ""


def test_an_error_of_slotline_is_said_as_it_is() -> None:
    found = failed(InvalidInput("text: is empty"))
    assert found.said == "text: is empty"
    assert found.is_refusal
    assert not found.is_memory


def test_what_ends_a_process_and_what_is_cancelled_is_told_too() -> None:
    assert failed(SystemExit(3)).kind == "SystemExit"
    assert failed(Cancelled()).is_cancelled
    assert failed(MemoryError()).is_memory


def test_a_fault_of_the_syntax_has_the_place_in_its_file() -> None:
    with pytest.raises(SyntaxError) as caught:
        compile("def", "/x/adapter.py", "exec")
    assert failure_of(caught.value, "import").place == "adapter.py line 1"


def test_what_has_failed_already_is_not_wrapped_again() -> None:
    inner = CallFailed(Failure("prepare", "KeyError", "a"))
    with pytest.raises(CallFailed) as caught, calling("run"):
        raise inner
    assert caught.value is inner
