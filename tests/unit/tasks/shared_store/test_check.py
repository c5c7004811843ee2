"""A client's store is the workers' store, or the client is refused in one line that names both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tasks.errors import OtherStore
from tasks.shared_store.check import VALID_FOR_S, StoreCheck
from tasks.shared_store.users import StoreUse, StoreUser
from tasks.store import identity
from tasks.store.artifacts import Store


@pytest.fixture
def theirs(tmp_path: Path, raw_redis: Any) -> StoreUse:
    """The use of their store by a worker that lives."""
    store = Store(str(tmp_path / "theirs"))
    found = StoreUse(identity.made(store), StoreUser(store.place, "flow worker", "m", "host1", 12))
    found.join(raw_redis, 30)
    return found


def test_without_a_live_worker_nothing_is_refused(raw_redis: Any, tmp_path: Path) -> None:
    StoreCheck(Store(str(tmp_path / "mine"))).check(raw_redis, "nothing was sent")
    assert not (tmp_path / "mine").exists()


def test_the_same_store_passes_under_any_name_of_it(raw_redis: Any, theirs: StoreUse, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "theirs")
    StoreCheck(Store(str(tmp_path / "link"))).check(raw_redis, "nothing was sent")
    StoreCheck(Store(f"file://{tmp_path}/theirs")).check(raw_redis, "nothing was sent")


@pytest.mark.parametrize("has_identity", [False, True])
def test_another_store_is_refused_with_both_named(
    raw_redis: Any, theirs: StoreUse, tmp_path: Path, has_identity: bool
) -> None:
    mine = Store(str(tmp_path / "mine"))
    if has_identity:
        identity.made(mine)
    with pytest.raises(OtherStore) as refused:
        StoreCheck(mine).check(raw_redis, "nothing was sent")
    told = str(refused.value)
    assert f"the store here is {tmp_path}/mine on " in told
    assert f"the workers use another one: {tmp_path}/theirs (flow worker on host1, pid 12); nothing was sent" in told
    assert "\n" not in told


def test_a_check_that_succeeded_is_believed_for_a_moment_only(raw_redis: Any, theirs: StoreUse, tmp_path: Path) -> None:
    check = StoreCheck(Store(str(tmp_path / "theirs")))
    check.check(raw_redis, "", now_s=100.0)
    theirs.leave(raw_redis)
    StoreUse("another", theirs.user).join(raw_redis, 30)
    check.check(raw_redis, "", now_s=100.0 + VALID_FOR_S / 2)
    with pytest.raises(OtherStore):
        check.check(raw_redis, "", now_s=101.0 + VALID_FOR_S)
