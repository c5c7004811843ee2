"""Outputs of any model as the ledger keeps them, and as results."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.flow.kind import Incomplete
from tasks.flow.parts import parts_of
from tasks.kinds.infer import PARTS
from tasks.kinds.map import MapKind
from tasks.messages import INLINE_TEXT_BYTES, InferRequest, InferResult, MapRequest
from tasks.store.artifacts import Artifact, store
from tests.fixtures.environment import UseCatalog
from workers.sidecar.crafts.infer import CRAFT


def stored(name: str, made: Any) -> Artifact:
    return store().put_bytes(f"infer/ab/{name}.bin", *CRAFT.encode(made))


def test_a_short_output_is_in_the_ledger_and_needs_no_look_at_the_store() -> None:
    artifact = stored("short", {"label": None})
    outcome = {**PARTS.record(artifact).settled, "computed": True}
    store().delete(artifact.name)
    (result,) = PARTS.results({1: outcome}).values()
    assert (result.is_inline, result.output, result.computed) == (True, {"label": None}, True)


def test_a_longer_one_is_read_and_one_that_is_too_long_stays_in_the_store() -> None:
    longer = PARTS.result(stored("longer", "x" * 2000), False, {})
    assert (longer.is_inline, longer.output) == (True, "x" * 2000)
    long = PARTS.result(stored("long", "x" * INLINE_TEXT_BYTES), True, {})
    assert (long.is_inline, long.output, long.bytes) == (False, None, INLINE_TEXT_BYTES + 2)


def test_an_output_that_is_gone_is_computed_again() -> None:
    outcomes = {
        number: {**PARTS.record(stored(str(number), "x" * 2000)).settled, "computed": True} for number in (1, 2, 3)
    }
    store().delete("infer/ab/2.bin")
    with pytest.raises(Incomplete) as missing:
        PARTS.results(outcomes)
    assert missing.value.parts == [2]


def test_inputs_of_a_map_are_parts_of_infer_and_name_artifacts(use_catalog: UseCatalog) -> None:
    use_catalog('[models.any]\nadapter = "rehearsal"\ngives = "answer"\n')

    class NothingPublished:
        def published(self, model: str) -> None:
            return None

    offers: Any = NothingPublished()
    request = MapRequest.parse({"model": "any", "inputs": [{"input": None}, {"input": {"a": "é"}}]})
    plan = MapKind().plan(request, offers, is_part=False)
    assert (plan.part_task, plan.params, plan.names_artifacts) == ("infer.one", {"craft": "infer"}, True)
    assert plan.sizes == [4, len('{"a":"é"}')]
    made = [parts_of("infer").request(payload, plan.params) for payload in plan.payloads]
    assert made == [InferRequest.parse({"model": "any", "input": value}) for value in (None, {"a": "é"})]


def test_a_result_is_an_inference() -> None:
    assert isinstance(PARTS.result(stored("one", 1), True, {}), InferResult)
