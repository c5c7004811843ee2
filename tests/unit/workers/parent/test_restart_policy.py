"""How often, and after which pause, a slot's child is started again; which small models are loaded no more;
when a child is replaced for its memory. Pure.
"""

from __future__ import annotations

import pytest

from workers.parent.restart_policy import DEATHS_WITHOUT_WORK, GB, Recycling, RestartPolicy, VariantLoads


def test_a_failed_load_is_tried_again_with_growing_pauses_and_then_no_more() -> None:
    policy = RestartPolicy(4)
    assert [policy.load_failed(permanent=False) for _ in range(4)] == [1.0, 2.0, 4.0, None]


def test_a_load_that_cannot_help_is_not_tried_again() -> None:
    assert RestartPolicy(4).load_failed(permanent=True) is None


def test_a_model_that_loads_starts_the_count_anew() -> None:
    policy = RestartPolicy(2)
    assert policy.load_failed(permanent=False) == 1.0
    policy.loaded()
    assert policy.load_failed(permanent=False) == 1.0


def test_a_child_that_dies_without_ever_working_is_given_up() -> None:
    policy = RestartPolicy(3)
    assert [policy.died() for _ in range(DEATHS_WITHOUT_WORK)] == [0.0] * (DEATHS_WITHOUT_WORK - 1) + [None]
    policy = RestartPolicy(3)
    for _ in range(5 * DEATHS_WITHOUT_WORK):
        policy.worked()
        assert policy.died() == 0.0


def test_a_death_that_is_expected_does_not_count() -> None:
    policy = RestartPolicy(3)
    for _ in range(5 * DEATHS_WITHOUT_WORK):
        policy.expect_death()
        assert policy.died() == 0.0


def test_a_small_model_whose_loads_end_the_child_is_refused_until_one_of_them_goes_well() -> None:
    loads = VariantLoads(2)
    loads.began("anna")
    loads.child_ended()
    assert (loads.current, loads.refused) == ("", frozenset())
    loads.began("anna")
    loads.ended("anna", is_loaded=False)
    loads.child_ended()
    assert loads.refused == frozenset(), "the child ended when none was being loaded"
    loads.began("anna")
    loads.child_ended()
    assert loads.refused == {"anna"}
    loads.began("anna")
    loads.ended("anna", is_loaded=True)
    assert loads.refused == frozenset()


@pytest.fixture
def recycling() -> Recycling:
    """A child that has just been loaded, at half of its limit of 1 GB."""
    made = Recycling(1.0)
    made.started()
    assert made.ready(GB // 2) == ""
    return made


def test_a_child_that_has_grown_beyond_the_limit_is_due_once(recycling: Recycling) -> None:
    recycling.used(GB)
    assert not recycling.is_due
    recycling.used(GB + 1)
    assert recycling.is_due
    assert recycling.begin() == "it used 1.00 GB after 2 batches, more than recycle_rss_gb = 1"
    assert (recycling.is_reloading, recycling.is_due, recycling.count) == (True, False, 1)
    recycling.started()
    assert recycling.ready(GB // 2) == ""
    assert (recycling.is_reloading, recycling.is_due) == (False, False)


def test_a_child_that_is_too_large_when_it_was_loaded_is_named_and_not_replaced(recycling: Recycling) -> None:
    recycling.started()
    warning = recycling.ready(2 * GB)
    assert warning.startswith("recycle_rss_gb = 1 is less than the 2.00 GB that its process uses")
    recycling.used(3 * GB)
    assert not recycling.is_due
    recycling.started()
    assert recycling.ready(GB // 2) == "", "the next child is judged by itself"
    recycling.used(3 * GB)
    assert recycling.is_due


def test_a_child_that_leaks_over_its_models_second_load_is_still_replaced(recycling: Recycling) -> None:
    assert recycling.ready(2 * GB) == "", "the model was unloaded while idle, and loaded again by the same process"
    assert recycling.is_due


def test_a_limit_that_the_first_batch_exceeds_is_named_with_the_reload(recycling: Recycling) -> None:
    recycling.used(2 * GB)
    assert recycling.begin().endswith("after 1 batch, more than recycle_rss_gb = 1; each batch will load the model "
                                      "again: raise recycle_rss_gb")  # fmt: skip


def test_a_lazy_child_is_judged_by_its_first_load() -> None:
    lazy = Recycling(1.0)
    lazy.started()
    assert lazy.ready(0) == ""
    assert "less than" in lazy.ready(2 * GB)


def test_without_a_limit_nothing_is_due() -> None:
    free = Recycling(None)
    free.started()
    assert free.ready(10 * GB) == ""
    free.used(100 * GB)
    assert not free.is_due
