"""Who holds which slot, read from the claims."""

from __future__ import annotations

import os

import redis

from tasks.redis import keys
from workers.slots.claim import claim_cpu, claim_flow
from workers.slots.holders import free, holders


def test_holders_come_by_device_and_number_with_what_they_said(raw: redis.Redis) -> None:
    flow = claim_flow(raw, "here", 5.0)
    first, second = (claim_cpu(raw, model, "here", 2, 5.0, 4) for model in ("espeak", "bart"))
    second.renew(raw, 5.0, ready=True)
    found = holders(raw)
    assert [(holder.slot, holder.worker, holder.ready) for holder in found] == [
        ("cpu-0", "espeak-cpu-0@here", False),
        ("cpu-1", "bart-cpu-1@here", True),
        ("flow-0", flow.worker, False),
    ]
    assert {holder.pid for holder in found} == {os.getpid()}
    assert abs(found[0].since - raw.time()[0]) <= 5
    assert first.key == found[0].claim.key


def test_a_slot_is_freed_only_while_its_dead_holder_still_has_it(raw: redis.Redis) -> None:
    claim = claim_cpu(raw, "espeak", "here", 2, 5.0, 4)
    (holder,) = holders(raw)
    other = claim.value.replace("espeak", "bart")
    raw.set(claim.key, other)
    assert not free(raw, holder)
    assert raw.get(claim.key) == other.encode()
    raw.set(claim.key, claim.value)
    assert free(raw, holder)
    assert raw.keys(keys.PREFIX + "slot:*") == []
