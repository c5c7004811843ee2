"""How many slots a card holds: the cards of the old summariser's table, and whatever sizes there may be."""

from __future__ import annotations

import itertools
import re
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import SettingsError
from tasks.settings import read
from tests.unit.workers.slots.conftest import H200, RTX_3070, RTX_3080, RTX_3090, RTX_4090, SLICED, Cards
from workers.slots.nvml import survey
from workers.slots.plan import GB, Footprint, Room, Rules, instances, place, rules

VIETTTS = Footprint(int(7.4 * GB), "measured")
BART = Footprint(int(1.5 * GB), "by GPU_ESTIMATED_MODEL_SIZE_GB")
TWO_GB = Rules(2 * GB)


@pytest.mark.parametrize(
    ("card", "viettts", "bart"),
    [
        (RTX_4090, [2], [14]),
        (RTX_3090, [2], [14]),
        (RTX_3080, [1], [5]),
        (RTX_3070, [0], [4]),
        (H200, [18], [92]),
        (SLICED, [2, 2, 2, 2], [14, 14, 14, 14]),
    ],
)
def test_the_driver_s_free_memory_decides(
    cards: Cards, card: dict[str, object], viettts: list[int], bart: list[int]
) -> None:
    cards.plug(card)
    rooms = [Room(gpu.label, gpu.free_bytes) for gpu in survey().gpus]
    assert [instances(room, "viettts", VIETTTS, TWO_GB).more for room in rooms] == viettts
    assert [instances(room, "bart", BART, TWO_GB).more for room in rooms] == bart


@pytest.mark.parametrize(
    ("room", "size", "allowed", "more", "reason"),
    [
        (Room("gpu0", 24 * GB), VIETTTS, TWO_GB, 2, "24.0 GB − 2.0 buffer, 7.4 measured → 2"),
        (
            Room("gpu0", 24 * GB),
            BART,
            Rules(2 * GB, 4, "GPU_MAX_MODEL_INSTANCES"),
            4,
            "24.0 GB − 2.0 buffer, 1.5 by GPU_ESTIMATED_MODEL_SIZE_GB → 14, at most 4 (GPU_MAX_MODEL_INSTANCES)",
        ),
        (
            Room("gpu0", int(16.6 * GB), held={"m": 1}),
            VIETTTS,
            TWO_GB,
            1,
            "1 held; 16.6 GB − 2.0 buffer, 7.4 measured → 1 more",
        ),
        (
            Room("gpu0", 24 * GB, int(7.4 * GB), 1, {"m": 1}),
            VIETTTS,
            TWO_GB,
            1,
            "1 held; 24.0 GB − 2.0 buffer − 7.4 kept for 1 not loaded, 7.4 measured → 1 more",
        ),
        (
            Room("gpu0", 24 * GB, held={"m": 1}),
            VIETTTS,
            Rules(2 * GB, 1, "GPU_ENABLE_MULTI_MODEL_INSTANCES=false"),
            0,
            "1 held; 24.0 GB − 2.0 buffer, 7.4 measured → 2, at most 1 (GPU_ENABLE_MULTI_MODEL_INSTANCES=false)",
        ),
        (Room("gpu0", GB), VIETTTS, TWO_GB, 0, "1.0 GB − 2.0 buffer, 7.4 measured → 0"),
        (
            Room("gpu0", 24 * GB),
            Footprint(None),
            TWO_GB,
            1,
            "24.0 GB − 2.0 buffer, size not known yet: one, to be measured → 1",
        ),
    ],
)
def test_each_number_has_its_reason(room: Room, size: Footprint, allowed: Rules, more: int, reason: str) -> None:
    answer = instances(room, "m", size, allowed)
    assert (answer.more, answer.reason) == (more, reason)


BYTES = st.integers(0, 200 * GB)
SIZES = st.one_of(st.integers(1, 60 * GB), st.integers(MIB := 1024 * 1024, 4 * GB))


@given(free=BYTES, kept=st.integers(0, 30 * GB), buffer=st.integers(0, 8 * GB), size=SIZES)
def test_never_more_is_planned_than_fits_and_never_less(free: int, kept: int, buffer: int, size: int) -> None:
    more = instances(Room("gpu0", free, kept, 1), "m", Footprint(size, "measured"), Rules(buffer)).more
    assert more * size <= max(0, free - kept - buffer) < (more + 1) * size


@given(free=BYTES, held=st.integers(0, 9), most=st.integers(1, 9), size=SIZES)
def test_the_limit_counts_the_slots_that_are_held(free: int, held: int, most: int, size: int) -> None:
    room = Room("gpu0", free, held={"m": held})
    assert instances(room, "m", Footprint(size, "measured"), Rules(0, most, "x")).more <= max(0, most - held)


@given(free=st.integers(10 * GB, 200 * GB), size=st.integers(GB, 60 * GB))
def test_the_sum_in_words_comes_out_the_same_by_hand(free: int, size: int) -> None:
    answer = instances(Room("gpu0", free), "m", Footprint(size, "measured"), TWO_GB)
    shown = re.fullmatch(r"([\d.]+) GB − ([\d.]+) buffer, ([\d.]+) measured → (\d+)", answer.reason)
    assert shown is not None
    free_gb, buffer_gb, each_gb = map(float, shown.groups()[:3])
    if len(shown[1].partition(".")[2]) < 3:  # where three digits are not enough, no sum in words can be exact
        assert floor((free_gb - buffer_gb) / each_gb + 1e-9) == int(shown[4])


SMALL = st.integers(1, 9)


@given(
    frees=st.lists(st.integers(0, 20), min_size=1, max_size=3),
    sizes=st.lists(SMALL, min_size=1, max_size=3),
    counts=st.lists(st.integers(1, 3), min_size=3, max_size=3),
    most=st.one_of(st.none(), st.integers(1, 2)),
)
def test_several_models_are_placed_together_exactly_when_they_fit(
    frees: list[int], sizes: list[int], counts: list[int], most: int | None
) -> None:
    rooms = [Room(f"gpu{i}", free) for i, free in enumerate(frees)]
    wanted = {f"m{i}": counts[i] for i in range(len(sizes))}
    footprints = [{f"m{i}": Footprint(size, "measured") for i, size in enumerate(sizes)} for _ in rooms]
    placed = place(rooms, wanted, footprints, Rules(0, most, "x"))
    queue = [(i, size) for i, size in enumerate(sizes) for _ in range(counts[i])]

    def holds(where: tuple[int, ...]) -> bool:
        for gpu, free in enumerate(frees):
            here = [model for model, at in zip(queue, where, strict=True) if at == gpu]
            if sum(size for _, size in here) > free:
                return False
            if most is not None and any(sum(m == i for m, _ in here) > most for i in range(len(sizes))):
                return False
        return True

    if placed is None:
        assert len(queue) > 7 or not any(
            holds(where) for where in itertools.product(range(len(frees)), repeat=len(queue))
        )
    else:
        assert {name: len(where) for name, where in placed.items()} == wanted
        assert holds(tuple(itertools.chain.from_iterable(placed[f"m{i}"] for i in range(len(sizes)))))


def test_a_placing_that_the_largest_first_would_miss_is_found() -> None:
    rooms = [Room("gpu0", 10), Room("gpu1", 9)]
    sizes = {"a": Footprint(5, "x"), "b": Footprint(4, "x"), "c": Footprint(3, "x")}
    placed = place(rooms, {"a": 2, "c": 3}, [sizes, sizes], Rules(0))
    assert placed == {"a": [0, 0], "c": [1, 1, 1]}


def test_a_hopeless_wish_is_answered_at_once() -> None:
    rooms = [Room(f"gpu{i}", 80 * GB) for i in range(8)]
    sizes = {"a": Footprint(11 * GB, "x"), "b": Footprint(7 * GB, "x"), "c": Footprint(3 * GB, "x")}
    assert place(rooms, {"a": 30, "b": 40, "c": 15}, [sizes] * 8, Rules(2 * GB)) is None
    # By the sum of their memory these would fit; by what one GPU holds they don't.
    assert place(rooms, {"a": 40, "b": 26}, [sizes] * 8, Rules(2 * GB)) is None


@pytest.mark.parametrize(
    ("environment", "most"),
    [
        ({}, None),
        ({"GPU_MAX_MODEL_INSTANCES": "3"}, 3),
        ({"GPU_MAX_MODEL_INSTANCES": "null", "MODEL_POOL_MAX_INSTANCES": "1"}, None),
        ({"MODEL_POOL_MAX_INSTANCES": "2"}, 2),
        ({"MODEL_POOL_ENABLED": "false"}, 1),
        ({"MODEL_POOL_ENABLED": "true"}, None),
        ({"GPU_ENABLE_MULTI_MODEL_INSTANCES": "false", "GPU_MAX_MODEL_INSTANCES": "3"}, 1),
        ({"GPU_ENABLE_MULTI_MODEL_INSTANCES": "true", "MODEL_POOL_ENABLED": "false"}, None),
    ],
)
def test_the_old_pools_settings_mean_what_they_meant(environment: dict[str, str], most: int | None) -> None:
    assert rules(read(environment)).most == most


@pytest.mark.parametrize(
    ("name", "value"),
    [("MODEL_POOL_MAX_INSTANCES", "0"), ("GPU_MAX_MODEL_INSTANCES", "few"), ("MODEL_POOL_ENABLED", "2")],
)
def test_a_setting_that_cannot_be_used_is_named_as_it_was_given(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name}='{value}'"):
        read({name: value})
