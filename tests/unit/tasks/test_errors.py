"""All errors: each can be built again from what a result backend keeps, and says what a caller may expect of it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from celery import Celery

from tasks import errors
from tasks.errors import InvalidInput, SlotlineError, named


def below(base: type[SlotlineError]) -> Iterator[type[SlotlineError]]:
    """A class and all its subclasses of `tasks/errors.py`."""
    yield base
    for one in base.__subclasses__():
        if one.__module__ == errors.__name__:
            yield from below(one)


ALL = list(below(SlotlineError))


@pytest.mark.parametrize("error", ALL)
def test_what_celery_stored_of_an_error_becomes_the_same_error_again(error: type[SlotlineError]) -> None:
    with Celery("asking", backend="cache+memory://", set_as_current=False) as app:
        stored = json.loads(json.dumps(app.backend.prepare_exception(error("text: is empty"), "json")))
        again = app.backend.exception_to_python(stored)
    assert (type(again), str(again)) == (error, "text: is empty")


@pytest.mark.parametrize("error", ALL)
def test_only_an_error_of_the_caller_has_a_status_below_500(error: type[SlotlineError]) -> None:
    assert (400 <= error.status < 500) == (issubclass(error, InvalidInput) or error is errors.JobCancelled)
    if error.retryable:
        assert error.status == 503, "503 means: ask again later"


def test_only_what_waiting_can_mend_is_tried_again_by_itself() -> None:
    tried_again = {error for error in ALL if error.retryable}
    assert tried_again == {errors.ModelChanged, errors.OutOfMemory, errors.StoreError, errors.BrokerUnavailable}


@pytest.mark.parametrize("error", ALL)
def test_a_class_is_found_by_its_name(error: type[SlotlineError]) -> None:
    assert named(error.__name__) is error


@pytest.mark.parametrize("name", ["", "KeyError", "annotations", "named", "__name__", "SomeLaterError"])
def test_a_name_of_no_error_gives_the_base_class(name: str) -> None:
    assert named(name) is SlotlineError
