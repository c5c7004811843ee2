"""docs/celery.md lists every remote control command of Celery and slotline, and nothing else.

What the page says of each is tried on real workers in `tests/acceptance/test_celery_page.py`.
"""

from __future__ import annotations

from celery.worker.control import Panel

import workers
from tests.fixtures.celery_page import rows


def test_the_page_lists_every_remote_control_command_once() -> None:
    assert workers.app, "it registers slotline's own commands"
    listed = [name for row in rows("Remote control") for name in row.names]
    assert sorted(listed) == sorted(Panel.data), "docs/celery.md, «Remote control», must have a row for each"


def test_each_row_says_for_both_kinds_of_workers_whether_it_works() -> None:
    for row in rows("Remote control"):
        for said in (row.slot, row.flow):
            assert said.startswith(("works", "refused: ")), row.names
