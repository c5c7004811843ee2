"""How often, and after which pause, a slot's child is started again; which small models are loaded no more. Pure."""

from __future__ import annotations

from workers.parent.restart_policy import DEATHS_WITHOUT_WORK, RestartPolicy, VariantLoads


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
