"""What a recipe says of itself."""

from __future__ import annotations

from tests.fixtures.pull import tiny
from workers.pull.recipe import HUB, PACKAGES


def test_the_ways_of_a_source_are_in_order_and_all_without_one() -> None:
    first, second, third = tiny.way(), tiny.way(source=HUB), tiny.way(lacks="voices")
    recipe = tiny.recipe(first, second, third)
    assert recipe.ways_of(None) == (first, second, third)
    assert recipe.ways_of(PACKAGES) == (first, third)
    assert recipe.ways_of(HUB) == (second,)


def test_a_way_knows_its_bytes() -> None:
    assert tiny.way().bytes == sum(map(len, tiny.FILES.values()))
