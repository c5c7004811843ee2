"""Turns to load on a GPU: one at a time, renewed with the slot, gone with their holder."""

from __future__ import annotations

import threading

import pytest
import redis

from tasks.redis import keys
from tests.fixtures.waiting import WaitUntil
from workers.slots.claim import SlotClaim, claim_gpu
from workers.slots.holders import free, holders, on_gpu
from workers.slots.turn import Turn


def claimed(raw: redis.Redis, model: str = "viettts", lease_s: float = 5.0) -> SlotClaim:
    turn = Turn.of("GPU-x", model, "here", lease_s)
    assert turn.take(raw) == ""
    got = claim_gpu(raw, model, "here", "gpu0", turn, lease_s, 2)
    assert isinstance(got, SlotClaim)
    return got


def test_a_turn_is_one_worker_s_and_it_may_take_it_again(raw: redis.Redis) -> None:
    mine, other = Turn.of("GPU-x", "viettts", "here", 5.0), Turn.of("GPU-x", "bart", "here", 5.0)
    assert mine.take(raw) == ""
    assert mine.take(raw) == ""
    assert other.take(raw).startswith("viettts (pid ")
    other.end(raw)
    assert other.take(raw).endswith(" on here)")
    mine.end(raw)
    assert other.take(raw) == ""


def test_another_gpu_is_another_turn(raw: redis.Redis) -> None:
    assert Turn.of("GPU-x", "m", "here", 5.0).take(raw) == ""
    assert Turn.of("GPU-y", "m", "here", 5.0).take(raw) == ""


def test_of_many_that_wait_each_has_its_turn_and_never_two_at_once(raw: redis.Redis) -> None:
    inside, most, done = [0], [0], []
    lock = threading.Lock()

    def load(number: int) -> None:
        turn = Turn.of("GPU-x", f"m{number}", "here", 5.0)
        turn.wait(raw, lambda holder: None)
        with lock:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        threading.Event().wait(0.01)
        with lock:
            inside[0] -= 1
            done.append(number)
        turn.end(raw)

    threads = [threading.Thread(target=load, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(done) == list(range(6))
    assert most == [1]


def test_whom_one_waits_for_is_told_once_each(raw: redis.Redis) -> None:
    first = Turn.of("GPU-x", "first", "here", 5.0)
    first.take(raw)
    told: list[str] = []
    heard = threading.Event()

    def tell(holder: str) -> None:
        told.append(holder)
        heard.set()

    waiting = threading.Thread(target=Turn.of("GPU-x", "m", "here", 5.0).wait, args=(raw, tell))
    waiting.start()
    assert heard.wait(5)
    first.end(raw)
    waiting.join(5)
    assert not waiting.is_alive()
    assert [holder.split(" ")[0] for holder in told] == ["first"]


def test_a_redis_that_is_away_is_waited_for(raw: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[object] = [redis.ConnectionError("away"), b"", b""]

    def answer(*args: object) -> object:
        found = answers.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(raw, "evalsha", answer)
    told: list[str] = []
    Turn.of("GPU-x", "m", "here", 5.0).wait(raw, told.append)
    assert told == ["Redis (away)"]


def test_the_slot_s_beat_keeps_its_turn_and_no_other(raw: redis.Redis) -> None:
    mine = claimed(raw)
    raw.pexpire(keys.turn("GPU-x"), 500)
    mine.renew(raw, 5.0, ready=False)
    assert raw.pttl(keys.turn("GPU-x")) > 4000
    assert mine.turn is not None
    mine.turn.end(raw)
    other = Turn.of("GPU-x", "bart", "here", 0.6)
    other.take(raw)
    mine.renew(raw, 5.0, ready=False)
    assert raw.pttl(keys.turn("GPU-x")) <= 600


def test_a_turn_that_nobody_renews_ends_by_itself(raw: redis.Redis, wait_until: WaitUntil) -> None:
    Turn.of("GPU-x", "dead", "here", 0.3).take(raw)
    turn = Turn.of("GPU-x", "m", "here", 5.0)
    wait_until(lambda: turn.take(raw) == "", 2.0, "the dead worker's turn to end")


def test_letting_go_of_a_slot_ends_its_turn_and_its_promise(raw: redis.Redis) -> None:
    mine = claimed(raw)
    raw.hset(keys.promised("GPU-x"), mapping={mine.worker: "5", "another@here": "7"})
    assert mine.release(raw)
    assert not raw.exists(keys.turn("GPU-x"))
    assert raw.hgetall(keys.promised("GPU-x")) == {b"another@here": b"7"}


def test_slots_of_a_gpu_are_shared_by_all_models_and_told_by_its_label(raw: redis.Redis) -> None:
    first = claimed(raw)
    assert first.turn is not None
    first.turn.end(raw)
    second = claimed(raw, "bart")
    assert (first.worker, second.worker) == ("viettts-gpu0-0@here", "bart-gpu0-1@here")
    assert [holder.slot for holder in holders(raw)] == ["gpu0-0", "gpu0-1"]
    assert [holder.model for holder in on_gpu(raw, "GPU-x")] == ["viettts", "bart"]
    assert on_gpu(raw, "GPU-y") == []


def test_a_dead_holder_is_freed_with_its_turn(raw: redis.Redis) -> None:
    claimed(raw)
    (holder,) = holders(raw)
    assert free(raw, holder)
    assert raw.keys("slotline:slot:*") == []
    assert not raw.exists(keys.turn("GPU-x"))


def test_gpu_slots_of_another_host_are_not_this_host_s(raw: redis.Redis) -> None:
    mine = claimed(raw)
    raw.set(mine.key, mine.value.replace('"host":"', '"host":"not-'))
    assert holders(raw) == []
    assert [holder.worker for holder in on_gpu(raw, "GPU-x")] == ["viettts-gpu0-0@here"]
