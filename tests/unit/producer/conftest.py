"""What the tests of the producer share: a catalog of rehearsals and espeak."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tasks.shared_store.users import StoreUse, StoreUser
from tests.fixtures.environment import UseCatalog

CATALOG = """
[models.quick]
adapter = "rehearsal"
voices = ["anna", "bert"]

[models.slow]
adapter = "rehearsal"
seconds = 1.0

[models.faulty]
adapter = "rehearsal"
faults = true

[models.espeak]
adapter = "espeak"
voice = "en-us"
"""


@pytest.fixture
def catalog_file(use_catalog: UseCatalog) -> Path:
    """A catalog of rehearsals and espeak, for this process and those that the test starts."""
    return use_catalog(CATALOG)


@pytest.fixture
def other_store(raw_redis: Any) -> StoreUse:
    """The use of another store than the clients' by a worker that lives; not recorded yet."""
    return StoreUse("their id", StoreUser("/their/store", "flow worker", "m", "host1", 12))
