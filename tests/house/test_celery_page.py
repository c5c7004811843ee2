"""docs/celery.md lists every remote control command and every option of Celery and slotline, and nothing else.

What the page says of each is tried on real workers in `tests/acceptance/test_celery_page.py`.
"""

from __future__ import annotations

import re

import click
import pytest
from celery.app.control import Control
from celery.bin.celery import celery
from celery.bin.worker import worker
from celery.worker.control import Panel
from click.testing import CliRunner

import workers
from tests.fixtures.celery_page import COMMANDS, GLOBAL_OPTIONS, HEADINGS, OPTIONS, rows


def test_the_page_lists_every_remote_control_command_once() -> None:
    assert workers.app, "it registers slotline's own commands"
    listed = [name for row in rows(COMMANDS) for name in row.names]
    assert sorted(listed) == sorted(Panel.data), f"docs/celery.md, «{COMMANDS}», must have a row for each"


@pytest.mark.parametrize(
    ("heading", "options"),
    [
        (OPTIONS, [*worker.params, *workers.app.user_options["worker"]]),
        (GLOBAL_OPTIONS, celery.params),
    ],
)
def test_the_page_lists_every_option_once(heading: str, options: list[click.Parameter]) -> None:
    listed = [name for row in rows(heading) for name in row.names]
    assert sorted(listed) == sorted({name for option in options for name in option.opts}), (
        f"docs/celery.md, «{heading}»"
    )


def test_each_row_says_for_both_kinds_of_workers_whether_it_works() -> None:
    for row in [row for heading in HEADINGS for row in rows(heading)]:
        for said in (row.slot, row.flow):
            assert re.match("works|refused: |refused, except ", said), row.names


@pytest.mark.filterwarnings("ignore::celery.exceptions.CPendingDeprecationWarning")
@pytest.mark.parametrize(
    ("answers", "status"),
    [
        ([{"voice@studio": {"error": "pool_grow: refused"}}], 0),
        ([{"voice@studio": {"ok": "pool will grow"}}], 0),
        ([], 69),
    ],
    ids=["refused", "done", "nobody"],
)
def test_the_status_of_celery_control_does_not_tell_a_refusal(
    answers: list[object], status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Control, "broadcast", lambda *_, **__: answers)
    said = CliRunner().invoke(celery, ["-A", "workers", "control", "pool_grow", "2"])
    assert said.exit_code == status, said.output
