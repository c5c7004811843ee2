"""Workers of one broker use one store: another one is refused while one of them lives."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from tasks.errors import OtherStore
from tasks.redis import keys
from tasks.shared_store.users import StoreUse, StoreUser, free_dead, last_use, live_use
from tests.fixtures.waiting import WaitUntil

LEASE_S = 30.0


def use(store_id: str, url: str = "/data/store", pid: int = 12) -> StoreUse:
    return StoreUse(store_id, StoreUser(url, "flow worker", "this machine", "host1", pid))


def test_workers_with_one_store_join_and_the_first_with_another_is_refused_with_both_named(raw_redis: Any) -> None:
    use("one").join(raw_redis, LEASE_S)
    use("one", pid=13).join(raw_redis, LEASE_S)
    with pytest.raises(OtherStore) as refused:
        use("two", "/other/store").join(raw_redis, LEASE_S)
    told = str(refused.value)
    assert told.startswith("SLOTLINE_STORE_URL: this worker's store is /other/store on host1, but another one is in ")
    assert "/data/store (flow worker on host1, pid 12)" in told
    assert raw_redis.zrange(keys.STORES, 0, -1) == [b"one"]


def test_after_the_last_worker_has_left_another_store_is_free_at_once(raw_redis: Any) -> None:
    first, second = use("one"), use("one", pid=13)
    first.join(raw_redis, LEASE_S)
    second.join(raw_redis, LEASE_S)
    first.leave(raw_redis)
    assert use("two").renew(raw_redis, LEASE_S) is not None
    second.leave(raw_redis)
    use("two").join(raw_redis, LEASE_S)
    found = live_use(raw_redis)
    assert found is not None
    assert found[0] == "two"


def test_a_dead_worker_counts_until_its_lease_has_ended(raw_redis: Any, wait_until: WaitUntil) -> None:
    use("one").join(raw_redis, 0.2)
    assert use("two").renew(raw_redis, LEASE_S) is not None
    wait_until(lambda: use("two").renew(raw_redis, LEASE_S) is None, 5, "the end of the lease")
    # The first one was only frozen: it learns that it must end.
    assert "another one is in use" in str(use("one").renew(raw_redis, LEASE_S))


def test_a_redis_that_was_emptied_gets_the_record_again(raw_redis: Any) -> None:
    one = use("one")
    one.join(raw_redis, LEASE_S)
    raw_redis.flushall()
    assert live_use(raw_redis) is None
    assert one.renew(raw_redis, LEASE_S) is None
    assert live_use(raw_redis) == ("one", one.user)


def test_records_of_dead_processes_of_this_machine_are_removed(raw_redis: Any) -> None:
    use("one", pid=12).join(raw_redis, LEASE_S)
    use("one", pid=13).join(raw_redis, LEASE_S)
    free_dead(raw_redis, "another machine", lambda pid: False)
    free_dead(raw_redis, "this machine", lambda pid: pid == 13)
    assert live_use(raw_redis) is not None
    free_dead(raw_redis, "this machine", lambda pid: False)
    assert live_use(raw_redis) is None


def test_the_last_use_is_remembered_after_the_worker_has_left(raw_redis: Any) -> None:
    assert last_use(raw_redis) is None
    one = use("one")
    one.join(raw_redis, LEASE_S)
    one.leave(raw_redis)
    assert last_use(raw_redis) == ("one", one.user)


def test_every_key_ends_after_the_last_worker(raw_redis: Any) -> None:
    use("one").join(raw_redis, LEASE_S)
    assert all(raw_redis.pttl(key) > 0 for key in raw_redis.keys("*"))


def test_a_user_of_another_version_is_read(raw_redis: Any) -> None:
    raw = json.dumps({"url": "/data/store", "pid": os.getpid(), "mood": "good"}).encode()
    assert StoreUser.read(raw).url == "/data/store"
    assert str(StoreUser.read(b"{}")).startswith("a worker on ")
