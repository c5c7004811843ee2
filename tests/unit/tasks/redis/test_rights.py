"""Which rights a Redis user lacks: each alone is found, nothing is written, and every script's commands are listed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import redis

from tasks.errors import BrokerRefused
from tasks.redis import rights
from tasks.redis.rights import FLOWER, PRODUCER, WORKER, Role
from tests.fixtures.redis_users import RedisUser

ROOT = Path(__file__).resolve().parents[4]
MODELS = ("espeak", "viettts")
ROLES = pytest.mark.parametrize("role", [PRODUCER, WORKER, FLOWER], ids=lambda role: role.name)


@ROLES
def test_with_all_its_rights_a_user_lacks_nothing_and_nothing_is_written(
    role: Role, redis_user: RedisUser, raw_redis: Any
) -> None:
    with redis.Redis.from_url(redis_user("all", *role.rights(0, MODELS))) as client:
        assert rights.lacking(client, role, MODELS) == ()
        rights.check(client, role, MODELS)
    assert raw_redis.dbsize() == 0


@ROLES
def test_each_right_that_is_missing_alone_is_found(role: Role, redis_user: RedisUser, raw_redis: Any) -> None:
    every = role.rights(0, MODELS)
    with redis.Redis.from_url(redis_user("one", *every)) as client:
        for right in every:
            redis_user("one", *(other for other in every if other != right))
            assert rights.lacking(client, role, MODELS) == (right,)
    assert raw_redis.dbsize() == 0


def test_a_user_without_any_right_is_one_line_that_names_it(redis_user: RedisUser) -> None:
    with redis.Redis.from_url(redis_user("bob")) as client, pytest.raises(BrokerRefused) as refused:
        rights.check(client, WORKER, MODELS)
    words = "CELERY_BROKER_URL: the Redis user 'bob' lacks rights that a worker needs: +multi +exec +discard (docs/"
    assert str(refused.value).startswith(words)


def test_the_channels_are_those_of_the_database(redis_user: RedisUser) -> None:
    url = redis_user("other", *WORKER.rights(0, MODELS)).replace("/0", "/3")
    with redis.Redis.from_url(url) as client:
        assert rights.lacking(client, WORKER, MODELS) == ("&/3.celery.pidbox", "&/3.celeryev/*")


@pytest.mark.parametrize(
    "folder", ["tasks/redis/lua", "tasks/flow/ledger/lua", "workers/transport/lua", "workers/slots/lua"]
)
def test_every_command_of_a_script_is_a_right_of_the_worker(folder: str) -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / folder).glob("*.lua")))
    called = {name.lower() for name in re.findall(r"redis\.p?call\(\s*['\"]([A-Za-z]+)", text)}
    assert called
    assert sorted(called - set(WORKER.commands)) == []


@ROLES
def test_the_page_has_the_lines_to_paste(role: Role) -> None:
    page = (ROOT / "docs/redis.md").read_text(encoding="utf-8")
    line = next(line for line in page.splitlines() if line.startswith(f"ACL SETUSER {role.name} "))
    needed = set(role.rights(0, ["MODEL"]))
    pasted = set(line.split()[3:])
    assert sorted(needed - pasted) == []
    beside = {"on", ">PASSWORD", "resetchannels", "-@all", *(f"+{name}" for name in rights.OPTIONAL[:3])}
    assert sorted(pasted - needed - beside) == []


CALLED = re.compile(r"\b(?:self\.)?_?(?:redis|client|pipe|own|renewal_client)\.([a-z_]+)\(")
NOT_COMMANDS = {
    "close", "execute", "execute_command", "from_url", "parse_response", "pipeline", "pubsub",
    "register_script", "set_retry",
}  # fmt: skip
OTHER_NAMES = {"delete": "del", "config_get": "config|get", "client_info": "client|info", "script_load": "script|load"}


@pytest.mark.parametrize("folder", ["tasks", "workers"])
def test_every_command_that_the_code_calls_is_a_right(folder: str) -> None:
    """By the names of methods of redis-py's client; which role calls it, only the tests with real users show."""
    commands = {name for name in dir(redis.Redis) if not name.startswith("_")} - NOT_COMMANDS
    text = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / folder).rglob("*.py")))
    called = {name for name in CALLED.findall(text) if name in commands}
    assert {"get", "zrange"} & called
    names = {OTHER_NAMES.get(name, name).removesuffix("_iter") for name in called}
    listed = {command for role in (PRODUCER, WORKER) for command in role.commands} | set(rights.OPTIONAL)
    assert sorted(names - listed) == []
