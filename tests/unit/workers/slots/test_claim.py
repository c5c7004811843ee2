"""Claims on slots: never two of one slot, renewed while the worker lives, free when it ends."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from tasks.compact_json import dumps
from tasks.errors import NameTaken, NoFreeSlot
from tasks.redis import keys
from tasks.settings import settings
from tests.fixtures.environment import LEASE_S
from tests.fixtures.waiting import WaitUntil, at_most
from tests.fixtures.workers import StartWorker
from workers.slots.claim import SlotClaim, claim_cpu, claim_flow, host_id


def claim(raw: redis.Redis, model: str = "espeak", lease_s: float = 5.0) -> SlotClaim:
    return claim_cpu(raw, model, "here", 2, lease_s, 4)


def test_slots_go_out_lowest_first_and_are_shared_by_all_models(raw: redis.Redis) -> None:
    first, second = claim(raw, "espeak"), claim(raw, "kokoro")
    assert (first.worker, second.worker) == ("espeak-cpu-0@here", "kokoro-cpu-1@here")
    with pytest.raises(NoFreeSlot) as refused:
        claim(raw, "third")
    assert "espeak-cpu-0@here" in str(refused.value)
    assert "kokoro-cpu-1@here" in str(refused.value)
    assert "SLOTLINE_CPU_SLOTS" in str(refused.value)
    assert first.release(raw)
    assert claim(raw, "third").worker == "third-cpu-0@here"


def test_many_at_once_never_get_one_slot(raw: redis.Redis) -> None:
    got: list[int] = []
    refused: list[str] = []

    def try_it() -> None:
        try:
            got.append(claim_cpu(raw, "m", "here", 8, 5.0, 2).index)
        except NoFreeSlot as exc:
            refused.append(str(exc))

    threads = [threading.Thread(target=try_it) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == list(range(8))
    assert len(refused) == 12


def test_a_claim_that_nobody_renews_is_free_after_its_lease(raw: redis.Redis, wait_until: WaitUntil) -> None:
    lost = claim(raw, lease_s=0.3)
    wait_until(lambda: not raw.exists(lost.key), 2.0, "the lease to end")
    assert claim(raw).index == 0


def test_renewing_tells_who_holds_the_slot_now(raw: redis.Redis, wait_until: WaitUntil) -> None:
    late = claim(raw, "late", lease_s=0.3)
    wait_until(lambda: not raw.exists(late.key), 2.0, "the lease to end")
    other = claim(raw, "other")
    assert str(late.renew(raw, 5.0, ready=True)).startswith(f"other-cpu-0@here (pid {os.getpid()} on ")
    assert not late.release(raw)
    assert raw.get(other.key) == other.value.encode()


def test_a_lapsed_claim_is_taken_back_while_nobody_else_has_it(raw: redis.Redis, wait_until: WaitUntil) -> None:
    late = claim(raw, lease_s=0.3)
    wait_until(lambda: not raw.exists(late.key), 2.0, "the lease to end")
    assert late.renew(raw, 5.0, ready=False) is None
    assert raw.get(late.key) == late.value.encode()


def test_capacity_is_told_only_while_ready_and_forgets_the_dead(raw: redis.Redis) -> None:
    mine = claim(raw)
    room = keys.capacity("espeak")
    raw.zadd(room, {"dead@here|4": 1})
    mine.renew(raw, 5.0, ready=False)
    assert raw.zrange(room, 0, -1) == []
    mine.renew(raw, 5.0, ready=True)
    assert raw.zrange(room, 0, -1) == [b"espeak-cpu-0@here|4"]
    seconds, micros = raw.time()
    ends_ms = float(raw.zscore(room, "espeak-cpu-0@here|4") or 0)
    assert 4000 < ends_ms - (int(seconds) * 1000 + int(micros) / 1000) <= 5000
    mine.release(raw)
    assert raw.zrange(room, 0, -1) == []


def test_flow_workers_are_numbered_apart_from_slots(raw: redis.Redis) -> None:
    claim(raw)
    assert [claim_flow(raw, "here", 5.0).worker for _ in range(2)] == ["flow-0@here", "flow-1@here"]


Elsewhere = Callable[[], None]


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[Elsewhere]:
    """`elsewhere()`: from now on this process is on another machine, which may have the same hostname."""

    def go() -> None:
        monkeypatch.setenv("SLOTLINE_MACHINE_ID", "another")
        settings.cache_clear()

    yield go
    settings.cache_clear()


def test_a_machine_with_the_same_hostname_gets_no_name_twice(raw: redis.Redis, elsewhere: Elsewhere) -> None:
    here = [claim(raw).worker, claim_flow(raw, "here", 5.0).worker]
    elsewhere()
    there = [claim(raw).worker, claim_flow(raw, "here", 5.0).worker]
    assert (here, there) == (["espeak-cpu-0@here", "flow-0@here"], ["espeak-cpu-1@here", "flow-1@here"])


def test_without_a_free_name_the_refusal_says_where_its_worker_is(raw: redis.Redis, elsewhere: Elsewhere) -> None:
    held = [claim(raw), claim(raw)]
    elsewhere()
    with pytest.raises(NameTaken) as refused:
        claim(raw)
    place = f"espeak-cpu-0@here (pid {os.getpid()} on {socket.gethostname()} (127.0.0.1))"
    assert place in str(refused.value)
    assert held[0].release(raw)
    assert claim(raw).worker == "espeak-cpu-0@here"
    assert held[1].renew(raw, 5.0, ready=True) is None


def test_a_given_name_is_used_as_it_is_and_by_one_worker(raw: redis.Redis) -> None:
    mine = claim_cpu(raw, "espeak", "mine@here", 2, 5.0, 4)
    assert mine.worker == "mine@here"
    with pytest.raises(NameTaken, match=r"^-n: mine@here \(pid .* -n mine-%i@here"):
        claim_cpu(raw, "espeak", "mine@here", 2, 5.0, 4)
    with pytest.raises(NameTaken, match="^-n: mine@here"):
        claim_flow(raw, "mine@here", 5.0)
    assert raw.keys(keys.slot("*", "*", "*")) == [mine.key.encode()], "what is refused holds no slot"
    assert claim_cpu(raw, "espeak", "voices-%i@here", 2, 5.0, 4).worker == "voices-cpu-1@here"
    assert [claim_flow(raw, "f%i@here", 5.0).worker for _ in range(2)] == ["f0@here", "f1@here"]
    assert mine.release(raw)
    assert claim_cpu(raw, "espeak", "mine@here", 2, 5.0, 4).worker == "mine@here"


def test_a_name_that_another_has_by_now_is_lost_with_its_slot(raw: redis.Redis, wait_until: WaitUntil) -> None:
    late = claim_cpu(raw, "m", "mine@here", 2, 0.3, 4)
    wait_until(lambda: not raw.exists(late.key), 2.0, "the lease to end")
    other = claim_flow(raw, "mine@here", 5.0)
    assert str(late.renew(raw, 5.0, ready=True)).startswith("mine@here (pid ")
    assert not raw.exists(late.key)
    assert not late.release(raw)
    assert raw.get(keys.worker_name("mine@here")) == other.value.encode()


def test_what_a_dead_process_of_this_machine_holds_is_free_at_once(raw: redis.Redis, elsewhere: Elsewhere) -> None:
    killed, living = claim(raw, "killed"), claim(raw, "living")
    dead = dumps({**json.loads(killed.value), "born": 1})  # its pid belongs to another process by now
    for key in (killed.key, keys.worker_name(killed.worker)):
        raw.set(key, dead, px=60_000)
    raw.zadd(keys.capacity("killed"), {f"{killed.worker}|4": 1e15})
    assert claim(raw, "next").key == killed.key
    assert raw.exists(keys.worker_name(killed.worker), keys.capacity("killed")) == 0
    assert raw.get(living.key) == living.value.encode()
    with pytest.raises(NoFreeSlot):
        claim(raw)


def test_what_a_process_of_another_machine_holds_is_not_judged(raw: redis.Redis, elsewhere: Elsewhere) -> None:
    held = claim_cpu(raw, "m", "mine@here", 2, 5.0, 4)
    raw.set(keys.worker_name(held.worker), dumps({**json.loads(held.value), "born": 1}), px=60_000)
    elsewhere()
    with pytest.raises(NameTaken):
        claim_flow(raw, "mine@here", 5.0)


def test_two_workers_two_slots_and_a_third_is_refused_until_one_ends(
    start_worker: StartWorker, catalog_file: Path, redis_client: redis.Redis, wait_until: WaitUntil
) -> None:
    first = start_worker("--model", "quick")
    first.wait_for_log("ready: quick on quick-cpu-0")
    second = start_worker("--model", "slowload")
    second.wait_for_log("ready: slowload on slowload-cpu-1")
    third = start_worker("--model", "quick")
    assert third.wait() == 1
    assert "held by quick-cpu-0@" in third.log()
    assert "slowload-cpu-1@" in third.log()

    assert first.stop() == 0
    assert not redis_client.exists(keys.slot(host_id(), "cpu", 0)), "free at once after an exit"

    second.kill()
    slot = keys.slot(host_id(), "cpu", 1)
    assert redis_client.exists(slot)
    killed = time.monotonic()
    wait_until(lambda: not redis_client.exists(slot), what="the slot to be free")
    assert time.monotonic() - killed < at_most(LEASE_S), "within the lease"
    start_worker("--model", "quick").wait_for_log("ready: quick on quick-cpu-0")


def test_a_worker_whose_slot_was_taken_ends_with_a_clear_line(
    start_worker: StartWorker, catalog_file: Path, redis_client: redis.Redis
) -> None:
    worker = start_worker("--model", "quick")
    worker.wait_for_log("ready: quick")
    redis_client.set(keys.slot(host_id(), "cpu", 0), json.dumps({"worker": "thief@here", "pid": 1}))
    assert worker.wait(LEASE_S * 3) == 1
    assert "slot lost: thief@here (pid 1) holds it" in worker.log()
