"""Summaries of summaries: the next step follows from what is there, whatever was asked before."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tasks.text import levels
from tasks.text.levels import Node, node_of

LONG = "The fisherman had not been out on the lake since the storm. " * 4


def test_halves_stand_where_their_whole_stood() -> None:
    nodes = [Node(1, "one"), Node(1, "two"), Node(1, "three"), Node(1, "two a", 2), Node(1, "two b", 2)]
    assert levels.leaves(nodes, 1) == [1, 4, 5, 3]
    nodes += [Node(1, "two a i", 4), Node(1, "two a ii", 4), Node(2, "all")]
    assert levels.leaves(nodes, 1) == [1, 6, 7, 5, 3]
    assert levels.leaves(nodes, 2) == [8]
    assert levels.last_level(nodes) == 2


def test_a_text_that_was_cut_is_halved_once_and_no_part_of_it_is_lost() -> None:
    nodes = [Node(1, "short"), Node(1, LONG)]
    more = levels.halved(nodes, 1, {2})
    assert {node_of(payload).of for payload in more} == {2}
    assert "".join(node_of(payload).text for payload in more).split() == LONG.split() or len(more) >= 2
    assert " ".join(node_of(payload).text for payload in more).split() == LONG.split()
    assert levels.halved([*nodes, *map(node_of, more)], 1, {2}) == []


def test_a_model_that_always_cuts_is_not_asked_for_ever() -> None:
    nodes = [Node(1, LONG * 20)]
    for _ in range(levels.MOST_HALVINGS + 3):
        every = set(range(1, len(nodes) + 1))
        nodes += map(node_of, levels.halved(nodes, 1, every))
    assert levels.halved(nodes, 1, set(range(1, len(nodes) + 1))) == []
    assert len(levels.leaves(nodes, 1)) <= 3**levels.MOST_HALVINGS


def test_after_a_cut_no_longer_chunk_is_asked_for_than_was_read_whole() -> None:
    nodes = [Node(1, "x" * 90), Node(1, "x" * 50, 1), Node(1, "x" * 40, 1)]
    assert levels.read_whole(nodes, {1}, 100) == 50
    assert levels.read_whole(nodes, set(), 100) == 100
    assert levels.read_whole(nodes, {1, 2, 3}, 100) == 100


@given(st.lists(st.text(alphabet="ab .", max_size=80), min_size=1, max_size=60), st.integers(20, 200))
def test_levels_come_to_an_end(summaries: list[str], limit: int) -> None:
    level, seen = 1, len(summaries)
    while more := levels.following(summaries, level, limit):
        assert len(more) < seen
        level, seen = level + 1, len(more)
        summaries = [node_of(payload).text for payload in more]  # a model that shortens nothing
    assert level <= levels.MOST_LEVELS


def test_summaries_that_do_not_become_fewer_are_the_last() -> None:
    assert levels.following([LONG, LONG], 1, 300) == []
    assert len(levels.following(["One.", "Two."], 1, 300)) == 1
    assert levels.following(["One.", "Two."], levels.MOST_LEVELS, 300) == []


@given(st.builds(Node, st.integers(1, 9), st.text(alphabet="ab\n\t1", max_size=30), st.integers(0, 10**6)))
def test_a_payload_says_all_of_its_part(node: Node) -> None:
    assert node_of(node.payload) == node
