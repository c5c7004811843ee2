"""What the tests of the slot worker share: a catalog of rehearsals, a plain Celery client, a worker's child."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from celery import Celery

from tests.fixtures.environment import UseCatalog
from tests.fixtures.processes import children_of as children_of_pid

CATALOG = """
[models.quick]
adapter = "rehearsal"
seconds = 0.01

[models.slowload]
adapter = "rehearsal"
load_seconds = 2.0

[models.faulty]
adapter = "rehearsal"
faults = true
time_limit_s = 1.0

[models.patient]
adapter = "rehearsal"
faults = true
time_limit_s = 60

[models.four]
adapter = "rehearsal"
faults = true
batch_size = 4

[models.broken]
adapter = "rehearsal"
fail_load = true

[models.overdue]
adapter = "rehearsal"
load_seconds = 60
load_limit_s = 1

[models.stranger]
adapter = "nobody"
"""

Speak = Callable[..., object]


@pytest.fixture
def catalog_file(use_catalog: UseCatalog) -> Path:
    """A catalog of rehearsals, used by the workers that the test starts."""
    return use_catalog(CATALOG)


@pytest.fixture
def client(foreign: Celery) -> Celery:
    """Here a client is a Celery client that knows nothing of slotline."""
    return foreign


@pytest.fixture
def children_of() -> Callable[[int], list[int]]:
    """`children_of(pid)`: the pids of a process's children."""
    return children_of_pid
