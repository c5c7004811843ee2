"""How much a registry's models take: what they report, what the driver shows, or what stands on the disk."""

from __future__ import annotations

import pytest

from tests.unit.workers.child.rehearsals import entry
from workers.adapters.base import AnyAdapter, Offer
from workers.adapters.rehearsal import Rehearsal
from workers.child.models.base import LoadedModel
from workers.child.models.eviction import Candidate
from workers.child.models.sizes import Sizes


class Driver:
    """What the driver shows of this process, one figure after the other."""

    def __init__(self, *figures: int | None) -> None:
        self.figures = list(figures)

    def __call__(self) -> int | None:
        return self.figures.pop(0)


class Silent(Rehearsal):
    """It reports no size."""

    def memory_bytes(self) -> int:
        return None  # type: ignore[return-value]


def model(adapter: AnyAdapter) -> LoadedModel:
    return LoadedModel(entry(), adapter, Offer("r"), 0.1)


SILENT = model(Silent(entry(), "cuda:0"))


def measured(sizes: Sizes, one: LoadedModel = SILENT, files_bytes: int = 7) -> int:
    return sizes.after("anna", one, sizes.before(), files_bytes)


def test_what_an_adapter_reports_counts_before_all_else() -> None:
    reports = model(Rehearsal(entry(options={"pretended_bytes": 500}), "cuda:0"))
    assert measured(Sizes("cuda:0", Driver(10, 20)), reports) == 500


@pytest.mark.parametrize(
    ("before", "after", "took"), [(1000, 1800, 800), (None, 900, 900), (0, 900, 900), (900, 100, 0)]
)
def test_on_a_gpu_the_drivers_figure_for_the_process_counts(before: int | None, after: int, took: int) -> None:
    assert measured(Sizes("cuda:0", Driver(before, after))) == took


@pytest.mark.parametrize("device", ["cpu", "cuda:0"])
def test_without_a_figure_the_files_count(device: str) -> None:
    assert measured(Sizes(device, Driver(None, None))) >= 7
    assert measured(Sizes("cpu", Driver(10, 10_000))) == 7


def test_a_load_is_expected_to_take_what_it_took_before_else_what_others_take() -> None:
    sizes = Sizes("cuda:0", Driver(0, 300))
    assert sizes.expected("anna", []) == 0
    measured(sizes)
    loaded = [Candidate("bert", 100, 1, 0.0), Candidate("carl", 200, 1, 0.0)]
    assert (sizes.expected("anna", loaded), sizes.expected("dora", loaded)) == (300, 150)


def test_what_the_process_uses_beside_its_models_is_seen_and_kept_where_nothing_is_shown() -> None:
    sizes = Sizes("cuda:0", Driver(1000, None, 100))
    loaded = [Candidate("bert", 300, 1, 0.0)]
    seen = []
    for _ in range(3):
        sizes.look(loaded)
        seen.append(sizes.others_bytes)
    assert seen == [700, 700, 0]
