"""The loader of Lua scripts on a real Redis: scripts that are forgotten, one failing call of many, a head or none."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.exceptions import ResponseError

from tasks.redis.scripts import ScriptRun, Scripts, is_the_servers_own
from tests.fixtures.redis_users import RedisUser

INCREASE = "return redis.call('INCRBY', KEYS[1], step(ARGV[1]))"
HEAD = "local function step(text) return tonumber(text) * 2 end"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """A package with two folders of scripts; only `headed` has a head."""
    name = f"scripts_of_{request.node.name}"
    for folder, script in (("headed", INCREASE), ("bare", "return ARGV[1]")):
        (tmp_path / name / folder).mkdir(parents=True)
        (tmp_path / name / folder / "one.lua").write_text(script)
    (tmp_path / name / "__init__.py").touch()
    (tmp_path / name / "headed" / "_head.lua").write_text(HEAD)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, name, raising=False)
    return name


@pytest.fixture
def several(raw_redis: Any, tmp_path: Path, package: str) -> Scripts:
    """Scripts that each append their name to a list, in a folder without a head."""
    for name in "abc":
        (tmp_path / package / "bare" / f"{name}.lua").write_text(f"return redis.call('RPUSH', KEYS[1], '{name}')")
    return Scripts(raw_redis, package, "bare")


def test_a_script_runs_under_its_folders_head(raw_redis: Any, package: str) -> None:
    assert Scripts(raw_redis, package, "headed").run("one", ["n"], [3]) == 6
    assert Scripts(raw_redis, package, "bare").run("one", [], ["as it is"]) == b"as it is"


def test_a_server_that_has_forgotten_a_script_is_given_it_again(raw_redis: Any, package: str) -> None:
    scripts = Scripts(raw_redis, package, "headed")
    assert scripts.run_all("one", [(["n"], [1]), (["n"], [1])]) == [2, 4]
    raw_redis.script_flush()
    assert scripts.run_all("one", [(["n"], [1])]) == [6]
    raw_redis.script_flush()
    assert scripts.run("one", ["n"], [1]) == 8


def test_different_scripts_run_in_their_order_in_one_round_trip_also_where_the_server_knows_only_some(
    raw_redis: Any, several: Scripts
) -> None:
    raw_redis.script_load("return redis.call('RPUSH', KEYS[1], 'b')")  # an older worker gave it this one alone
    assert several.run_together([(name, ["list"], []) for name in "abab"]) == [1, 2, 3, 4]
    assert raw_redis.lrange("list", 0, -1) == [b"a", b"b", b"a", b"b"]


def test_of_different_scripts_that_were_forgotten_each_run_is_done_once_and_in_order(
    raw_redis: Any, several: Scripts
) -> None:
    runs: list[ScriptRun] = [(name, ["list"], []) for name in "abc"]
    several.run_together(runs)
    raw_redis.script_flush()
    raw_redis.delete("list")
    assert several.run_together(runs) == [1, 2, 3]
    assert raw_redis.lrange("list", 0, -1) == [b"a", b"b", b"c"]


def test_of_different_scripts_one_that_fails_costs_no_other(raw_redis: Any, several: Scripts) -> None:
    raw_redis.set("text", "no list")
    good, bad, other = several.run_together([("a", ["list"], []), ("b", ["text"], []), ("c", ["list"], [])])
    assert (good, other) == (1, 2)
    assert isinstance(bad, ResponseError)
    assert several.run_together([]) == []


def test_a_call_that_fails_costs_no_other(raw_redis: Any, package: str) -> None:
    raw_redis.rpush("list", "no number")
    good, bad, other = Scripts(raw_redis, package, "headed").run_all(
        "one", [(["n"], [1]), (["list"], [1]), (["m"], [2])]
    )
    assert (good, other) == (2, 4)
    assert isinstance(bad, ResponseError)


def test_a_server_that_refuses_every_client_raises(raw_redis: Any, package: str) -> None:
    scripts = Scripts(raw_redis, package, "headed")
    raw_redis.config_set("maxmemory", 1)
    try:
        with pytest.raises(ResponseError):
            scripts.run_all("one", [(["n"], [1])])
    finally:
        raw_redis.config_set("maxmemory", 0)


def test_a_right_that_a_command_of_a_script_lacks_is_the_servers_own_refusal(
    redis_user: RedisUser, package: str
) -> None:
    with redis.Redis.from_url(redis_user("part", "allkeys", "+@all", "-incrby")) as client:
        scripts = Scripts(client, package, "headed")
        with pytest.raises(ResponseError) as one:
            scripts.run("one", ["n"], [1])
        with pytest.raises(ResponseError):
            scripts.run_all("one", [(["n"], [1])])
    assert is_the_servers_own(one.value)


def test_another_client_may_carry_a_run(raw_redis: Any, package: str, redis_client: Any) -> None:
    assert Scripts(raw_redis, package, "bare").run("one", [], ["text"], redis_client) == "text"
