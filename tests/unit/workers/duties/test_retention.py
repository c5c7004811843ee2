"""The duty: one flow worker at a time, step by step, with what it did in the log and in Redis."""

from __future__ import annotations

import logging
import os
import shutil
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from redis.exceptions import ResponseError

from tasks.redis import keys
from tasks.retention import state
from tasks.retention.round import Limits
from tasks.settings import settings
from tasks.store import identity
from tasks.store.artifacts import Store, name_of
from workers.duties.retention import Pruner, StoreRetention
from workers.parent.pool import SlotPool

DAY = Limits(86400.0, None)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store with one old artifact."""
    made = Store(str(tmp_path / "store"))
    identity.made(made)
    add_old(made, "old")
    return made


def add_old(store: Store, what: str) -> None:
    name = name_of("speech", "wav", {"what": what})
    store.put_bytes(name, b"x" * 1000)
    for path in (Path(store.place) / name).parent.iterdir():
        os.utime(path, (time.time() - 2 * 86400,) * 2)


def files(store: Store) -> int:
    return len(list(Path(store.place).rglob("*.wav")))


def pruner(redis: Any, store: Store, limits: Limits = DAY) -> Pruner:
    return Pruner(redis, store, "its id", limits)


def test_a_step_that_removed_something_says_so_and_another_round_comes_later(
    raw_redis: Any, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        one = pruner(raw_redis, store)
        step = one.step()
        assert step is not None
        assert (step.removed, step.is_last, files(store)) == (1, True, 0)
        assert one.step() is None
    [line] = [record.getMessage() for record in caplog.records if "retention" in record.getMessage()]
    assert line.startswith("retention: removed 1 artifacts, 0.0 MB, from ")
    last = state.load(raw_redis).last
    assert last is not None
    assert (last.removed, last.artifacts) == (1, 0)


def test_one_worker_at_a_time_does_it_and_the_next_goes_on_when_it_is_gone(raw_redis: Any, store: Store) -> None:
    first, second = pruner(raw_redis, store), pruner(raw_redis, store)
    assert first.step() is not None
    add_old(store, "another")
    assert second.step() is None
    raw_redis.delete(keys.RETENTION)
    second.end()
    assert second.step() is None
    first.end()
    assert second.step() is not None
    assert first.step() is None
    assert files(store) == 0


def test_a_redis_that_refuses_to_write_is_no_reason_to_keep_a_disk_full(
    raw_redis: Any, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = pruner(raw_redis, store)

    def refuse(*_: Any) -> bool:
        raise ResponseError("MISCONF Errors writing to the AOF file: No space left on device")

    monkeypatch.setattr(one._ledger.upkeep, "has_turn", refuse)
    assert one.step() is not None
    assert files(store) == 0
    assert not raw_redis.exists(keys.RETENTION)
    assert one.step() is None, "it remembers when the next round begins"


def test_a_store_that_stays_too_large_is_said_once_a_round(
    raw_redis: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store(str(tmp_path / "store"))
    store.put_bytes(name_of("speech", "wav", {"what": "new"}), b"x" * 2000)
    one = pruner(raw_redis, store, Limits(None, 1000))
    while one.step():
        pass
    [line] = [record.getMessage() for record in caplog.records if "SLOTLINE_STORE_MAX_GB" in record.getMessage()]
    assert str(tmp_path / "store") in line


def test_a_store_whose_identity_was_deleted_gets_the_same_one_again(raw_redis: Any, store: Store) -> None:
    shutil.rmtree(store.place)
    pruner(raw_redis, store).step()
    assert identity.known(store) == "its id"


@pytest.mark.parametrize(
    ("pool", "environment", "included"),
    [
        (object(), {}, True),
        (object(), {"SLOTLINE_STORE_TTL_S": "0"}, False),
        (object(), {"SLOTLINE_STORE_TTL_S": "0", "SLOTLINE_STORE_MAX_GB": "2"}, True),
        (SlotPool.__new__(SlotPool), {}, False),
    ],
)
def test_flow_workers_have_the_duty_unless_nothing_is_ever_to_be_removed(
    pool: Any, environment: dict[str, str], included: bool, own_environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    duty = StoreRetention.__new__(StoreRetention)
    assert duty.include_if(SimpleNamespace(pool=pool)) is included


def test_a_step_that_hangs_holds_up_neither_the_loop_nor_the_next_one() -> None:
    duty = StoreRetention.__new__(StoreRetention)
    began: list[str] = []
    hanging: Any = SimpleNamespace(step=lambda: began.append("step"))
    duty._pruner, duty._is_failing = hanging, False
    duty._thread = SimpleNamespace(is_alive=lambda: True)  # type: ignore[assignment]
    duty.step()
    assert began == []
    duty._thread = None
    duty.step()
    duty._thread.join(5)  # type: ignore[attr-defined]
    assert began == ["step"]
