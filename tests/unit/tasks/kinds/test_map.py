"""How many inputs become parts of whatever craft the model is of. Needs no worker and no ledger."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.errors import InvalidInput
from tasks.flow.parts import parts_of
from tasks.kinds.map import MapKind
from tasks.messages import MapRequest, ParagraphRequest, SummaryPartRequest
from tasks.store.artifacts import store
from tests.fixtures.environment import UseCatalog

CATALOG = """
[models.aloud]
adapter = "espeak"

[models.words]
adapter = "rehearsal"
gives = "text"
"""


class NothingPublished:
    """No worker was ready."""

    def published(self, model: str) -> None:
        return None


NOTHING: Any = NothingPublished()


@pytest.fixture(autouse=True)
def models(use_catalog: UseCatalog) -> None:
    use_catalog(CATALOG)


def plan(model: str, **fields: Any) -> Any:
    return MapKind().plan(MapRequest.parse({"model": model, **fields}), NOTHING, is_part=False)


def test_the_parts_are_the_task_of_the_models_craft_each_with_its_own_fields() -> None:
    spoken = plan("aloud", inputs=[{"text": "One."}, {"text": "Two.", "speed": 2}])
    assert (spoken.part_task, spoken.params) == ("speech.paragraph", {"craft": "speech"})
    assert [parts_of("speech").request(payload, spoken.params) for payload in spoken.payloads] == [
        ParagraphRequest(model="aloud", text="One."),
        ParagraphRequest(model="aloud", text="Two.", speed=2.0),
    ]
    written = plan("words", inputs=[{"text": "One.", "max_length": 8}])
    assert (written.part_task, written.params) == ("summary.part", {"craft": "summary"})
    part = parts_of("summary").request(written.payloads[0], written.params)
    assert part == SummaryPartRequest(model="words", text="One.", max_length=8)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"inputs": [{"text": "One."}, {"text": "Two.", "sped": 2}]}, "input 2: sped: there is no such field"),
        ({"inputs": [{"text": "One."}], "craft": "film"}, "craft: there is no craft 'film'"),
        ({"inputs": [{"text": "One."}], "craft": "summary"}, "input 1: model: 'aloud' does not write"),
    ],
)
def test_a_wrong_input_or_craft_is_refused(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=f"^{said}"):
        plan("aloud", **fields)


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        ("no json", "is not JSON"),
        ('{"text": "One."}', "is not a list of inputs"),
        ("[]", "0 inputs; there may be 1"),
    ],
)
def test_a_stored_list_that_is_none_is_refused(broker: str, stored: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=f"^inputs_ref: .*{said}"):
        plan("aloud", inputs_ref=store().put_text(stored))


def test_a_craft_without_parts_is_named() -> None:
    with pytest.raises(InvalidInput, match="^craft: no kind of work that is installed here has parts of 'film'$"):
        parts_of("film")
