"""A model's states: only the drawn ways are walked, and every listener hears what was entered."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.fixtures.processes import ROOT
from workers.child.models.lifecycle import Lifecycle
from workers.wire.state import ALLOWED, LOADED, State


class AnyOrder(RuleBasedStateMachine):
    """States asked for in any order: a life takes the allowed ones and stays as it was at the others."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[State] = []
        self.ticks = itertools.count(1)
        self.life = Lifecycle(self.told.append, lambda: float(next(self.ticks)))
        self.walked = [State.UNLOADED]

    @rule(state=st.sampled_from(State))
    def ask(self, state: State) -> None:
        before, since = self.life.state, self.life.since
        if state in ALLOWED[before]:
            self.life.enter(state)
            self.walked.append(state)
            assert self.told[-1] is state
            assert self.life.since > since
        else:
            heard = len(self.told)
            with pytest.raises(RuntimeError, match=f"a model that is {before} cannot become {state}"):
                self.life.enter(state)
            assert (self.life.state, self.life.since, len(self.told)) == (before, since, heard)

    @invariant()
    def nothing_is_walked_that_is_not_drawn(self) -> None:
        assert self.life.state is self.walked[-1]
        assert self.told == self.walked[1:]
        assert self.life.is_loaded == (self.life.state in LOADED)

    @invariant()
    def a_model_in_use_was_loaded_and_is_not_unloaded_under_it(self) -> None:
        for before, after in itertools.pairwise(self.walked):
            assert after is not State.BUSY or before is State.READY
            assert before is not State.BUSY or after is State.READY


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(deadline=None)


def test_every_state_has_its_place_and_failure_is_the_end() -> None:
    assert set(ALLOWED) == set(State)
    assert not ALLOWED[State.FAILED]
    reached = {after for afters in ALLOWED.values() for after in afters}
    assert reached == set(State), "each can be entered"


def test_a_model_comes_and_goes_and_comes_again() -> None:
    life = Lifecycle()
    for state in ["loading", "warming", "ready", "busy", "ready", "unloading", "unloaded", "loading", "ready"]:
        life.enter(State(state))
    assert life.is_loaded


def test_the_drawing_shows_every_way_that_is_allowed() -> None:
    section = (ROOT / "docs" / "states.md").read_text().partition("## A slot's model")[2].partition("\n## ")[0]
    drawn = {(a, b) for a, b in re.findall(r"\| `(\w+)` \| `(\w+)` \|", section)}
    assert drawn == {(before.value, after.value) for before, afters in ALLOWED.items() for after in afters}
