"""What the tests of the slot worker share: a catalog of rehearsals, a plain Celery client, a worker's child."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from celery import Celery

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
def catalog_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A catalog of rehearsals, used by the workers that the test starts."""
    path = tmp_path / "models.toml"
    path.write_text(CATALOG)
    monkeypatch.setenv("SLOTLINE_MODELS", str(path))
    return path


@pytest.fixture
def client(broker: str) -> Iterator[Celery]:
    """A Celery client that knows nothing of slotline."""
    with Celery("foreign", broker=broker, backend=broker, set_as_current=False) as app:
        yield app


@pytest.fixture
def children_of() -> Callable[[int], list[int]]:
    """`children_of(pid)`: the pids of a process's children."""
    return lambda pid: [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
