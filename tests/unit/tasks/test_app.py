"""The application: one for producers and workers, whose tasks come from the kinds of work that are there."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import pytest

from tasks.app import app, refuse_worker
from tests.fixtures.processes import ROOT

TWICE = """
import sys, warnings
from celery import Celery
from celery.exceptions import DuplicateTaskNameWarning

shared = sys.argv[1] == "shared"
for _ in range(2):
    own = Celery("own", set_as_current=False)

    @own.task(name="trap.twice", shared=shared)
    def twice():
        pass

with warnings.catch_warnings(record=True) as warned:
    warnings.simplefilter("always")
    is_there = "trap.twice" in Celery("another", set_as_current=False).tasks
print(is_there, [warning.category is DuplicateTaskNameWarning for warning in warned])
"""
"""A task that two runs of the same test define, each on an application of its own; then somebody makes a third."""


@pytest.mark.filterwarnings("ignore::celery.exceptions.CPendingDeprecationWarning")
def test_the_tasks_of_all_kinds_of_work_are_registered() -> None:
    app.loader.import_default_modules()
    assert {"speech.chapter", "summary.text", "infer.map"} <= set(app.tasks)


@pytest.mark.filterwarnings("ignore::celery.exceptions.CPendingDeprecationWarning")
def test_messages_and_results_are_json_alone() -> None:
    assert app.conf.accept_content == ["json"]
    assert app.conf.result_accept_content == ["json"]


@pytest.mark.parametrize(("kept", "said"), [("shared", "True [True]"), ("own", "False []")])
def test_a_task_reaches_every_later_application_unless_it_is_not_shared(kept: str, said: str) -> None:
    # In a process of its own: what this is about would reach the other tests.
    done = subprocess.run([sys.executable, "-c", TWICE, kept], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == said, done.stderr


def test_celerys_own_worker_of_this_application_is_refused(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        refuse_worker(SimpleNamespace(app=app))
    assert ended.value.code == 2
    assert capfd.readouterr().err.startswith("slotline: -A: slotline's workers start as ")
    refuse_worker(SimpleNamespace(app=object()))
