"""Which definitions of its heads a script keeps."""

from __future__ import annotations

import re
from importlib import resources

import pytest
from redis import Redis

from tasks.redis.lua_source import with_heads
from tasks.redis.scripts import Scripts

FIRST = """-- used(), never and MANY are named here, which does not count.
local MANY, FEW = {
  'used',
}, 1
local function inner(x) return x end

-- What `used` does.
local function used(n)
  if n then
    return inner(n)
  end
end
"""
SECOND = """local RING = 'ring:'
local function never()
  return used(FEW)
end
local function twice(n)
  return used(n) + used(n)
end
redis.setresp(3)
"""


def test_what_nothing_names_is_left_out_and_the_rest_stays_in_order() -> None:
    text = with_heads([FIRST, SECOND], "return twice(ARGV[1])")
    kept = [name for name in ("MANY", "inner", "used", "RING", "twice", "setresp") if name in text]
    assert kept == ["inner", "used", "twice", "setresp"], "what is no definition stays"
    assert [text.index(name) for name in kept] == sorted(text.index(name) for name in kept)
    assert "What `used` does" not in text


def test_a_definition_of_several_names_or_lines_stays_whole_where_one_is_named() -> None:
    text = with_heads(["local A, B = {\n  'x',\n}, 1\nlocal C = 2\n"], "return B")
    assert text == "local A, B = {\n  'x',\n}, 1\nreturn B"


@pytest.mark.parametrize("script", ["return RING .. ARGV[1]", "return 'RING'", "x = 1 -- RING"])
def test_a_name_that_may_be_meant_is_enough(script: str) -> None:
    assert "local RING = 'ring:'" in with_heads([SECOND], script)


def test_the_script_itself_stays_as_it_is() -> None:
    script = "-- What it does.\n\nlocal unused = 1\nreturn 2"
    assert with_heads(["local function never() end\n"], script) == script


@pytest.mark.parametrize(
    ("package", "shared"),
    [("tasks.flow.ledger", ("set_aside", "delayed", "pace")), ("workers.transport", ("set_aside", "delayed"))],
)
def test_what_a_script_of_ours_names_of_its_heads_is_there(
    package: str, shared: tuple[str, ...], raw_redis: Redis
) -> None:
    """And each of them is still Lua: Redis compiles it."""
    scripts = Scripts(raw_redis, package, shared=shared)
    folder = resources.files(package) / "lua"
    names = [file.name.removesuffix(".lua") for file in folder.iterdir() if file.name[0] != "_"]
    heads = [file.read_text() for file in folder.iterdir() if file.name.startswith("_")]
    heads += [(resources.files("tasks.redis") / "lua" / f"{name}.lua").read_text() for name in shared]
    defined = set(re.findall(r"^local function (\w+)", "\n".join(heads), re.MULTILINE))
    for name in names:
        text = scripts._script(name).script
        code = re.sub(r"^\s*--.*$", "", text, flags=re.MULTILINE)
        called = set(re.findall(r"(?<![.\w])(\w+)\(", code)) & defined
        assert called <= set(re.findall(r"local function (\w+)", code)), name
        raw_redis.script_load(text)
