"""`slotline pause` and `resume`: what they write, say and refuse; real slots stand in `tests/faults/test_pause.py`."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner
from redis import Redis

from tasks import health, pauses
from tasks.errors import InvalidInput
from tests.fixtures.environment import UseCatalog
from tests.unit.tasks.test_health import SLOT
from workers.commands.pause import pause, resume

CATALOG = '[models.a]\nadapter = "rehearsal"\n[models.b]\nadapter = "rehearsal"\n'


@pytest.fixture(autouse=True)
def catalog_here(raw_redis: Redis, use_catalog: UseCatalog) -> None:
    use_catalog(CATALOG)


def run(command: click.Command, *arguments: str) -> str:
    result = CliRunner().invoke(command, list(arguments), standalone_mode=False)
    if result.exception:
        raise result.exception
    assert result.return_value == 0
    return result.output


def test_a_model_is_paused_and_resumed_and_a_second_time_says_so(raw_redis: Redis) -> None:
    said = run(pause, "a")
    assert said == "a is paused; what runs ends, and nothing new begins until: slotline resume a\n"
    assert list(pauses.paused(raw_redis)) == ["a"]
    assert run(pause, "a", "b").splitlines()[0].startswith("a is paused since 20")
    assert run(resume, "a") == "a is resumed\n"
    assert run(resume, "a") == "a is not paused\n"
    assert list(pauses.paused(raw_redis)) == ["b"]


def test_a_pause_that_ends_while_it_is_looked_up_is_said(raw_redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pauses, "pause", lambda *_: False)
    assert run(pause, "a") == "a was resumed by somebody at this moment; pause it again\n"


def test_all_is_every_model_that_is_known_and_every_one_that_is_paused(raw_redis: Redis) -> None:
    health.write(raw_redis, SLOT)
    run(pause, "--all")
    assert list(pauses.paused(raw_redis)) == ["a", "b", str(SLOT.model)]
    health.forget(raw_redis, SLOT.worker)
    assert len(run(resume, "--all").splitlines()) == 3
    assert run(resume, "--all") == ""


def test_one_that_is_in_no_catalog_any_more_can_still_be_resumed(raw_redis: Redis) -> None:
    pauses.pause(raw_redis, "gone", "me")
    with pytest.raises(InvalidInput):
        run(pause, "gone")
    assert run(resume, "gone") == "gone is resumed\n"


@pytest.mark.parametrize("command", [pause, resume])
def test_what_is_no_model_is_refused_and_the_others_stay_as_they_are(raw_redis: Redis, command: click.Command) -> None:
    with pytest.raises(InvalidInput, match="'c' is not in the catalog and has no worker; there are: a, b$"):
        run(command, "a", "c")
    with pytest.raises(InvalidInput, match="flow is no model"):
        run(command, "a", "flow")
    for arguments in ([], ["a", "--all"]):
        with pytest.raises(InvalidInput, match="give one or more models, or --all"):
            run(command, *arguments)
    assert pauses.paused(raw_redis) == {}


def test_who_paused_is_named_also_where_a_user_has_no_name(raw_redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "here")
    monkeypatch.setattr("getpass.getuser", lambda: "me")
    run(pause, "a")

    def nobody() -> str:
        raise KeyError("uid not found")

    monkeypatch.setattr("getpass.getuser", nobody)
    run(pause, "b")
    assert [one.by for one in pauses.paused(raw_redis).values()] == ["me@here", "somebody@here"]
