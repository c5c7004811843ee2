"""What may run together, for any mix of inputs."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from tasks.catalog import ModelEntry
from tasks.messages import ParagraphRequest
from tests.unit.workers.adapters.asked import to_speak
from workers.adapters.grouping import groups
from workers.adapters.rehearsal import Rehearsal

ITEMS = st.lists(
    st.builds(
        to_speak,
        st.integers(1, 400).map("a".__mul__),
        st.sampled_from([None, "vi", "en"]),
        st.sampled_from([0.5, 1.0]),
    ),
    max_size=40,
)


def adapter(most_padding: float = math.inf) -> Rehearsal:
    kind = type("Padded", (Rehearsal,), {"most_padding": most_padding})
    made: Rehearsal = kind(ModelEntry(name="rehearsal", adapter="rehearsal"), "cpu")
    return made


@given(ITEMS, st.sampled_from([1.0, 2.0, math.inf]))
def test_each_input_is_in_one_group_of_its_own_kind_longest_first_and_none_is_padded_too_far(
    items: list[ParagraphRequest], most_padding: float
) -> None:
    found = groups(adapter(most_padding), items)
    assert sorted(index for group in found for index in group) == list(range(len(items)))
    for group in found:
        members = [items[index] for index in group]
        assert len({(item.voice, item.speed) for item in members}) == 1
        lengths = [len(item.text) for item in members]
        assert lengths == sorted(lengths, reverse=True)
        assert lengths[0] <= most_padding * lengths[-1]


@given(ITEMS)
def test_where_padding_costs_nothing_there_is_one_group_a_kind(items: list[ParagraphRequest]) -> None:
    assert len(groups(adapter(), items)) == len({(item.voice, item.speed) for item in items})
