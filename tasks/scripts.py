"""Runs the ledger's Lua scripts (`lua/*.lua`, each under the common head): one, or one for many in a round trip.

Knows nothing of what they do. A server that has forgotten them is given them again.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from importlib import resources
from typing import TYPE_CHECKING, Any

from redis.exceptions import NoScriptError, ResponseError

if TYPE_CHECKING:
    from redis import Redis

Call = tuple[Sequence[str], Sequence[Any]]
"""The keys and the arguments of one run."""

_SERVERS_OWN = re.compile(r"(?:^|: ?-)(?:OOM|READONLY|MISCONF|NOREPLICAS|NOPERM|BUSY)\b")
"""How a server says that it refuses whoever asks. Redis 6.2 puts it behind «Error running script …: -»."""


@functools.cache
def _source(name: str) -> str:
    folder = resources.files("tasks.flow.ledger") / "lua"
    return "\n".join((folder / f"{part}.lua").read_text(encoding="utf-8") for part in ("_head", name))


class Scripts:
    """The scripts on one client, each read when it is first run."""

    def __init__(self, client: Redis) -> None:
        self._redis: Any = client
        self._scripts: dict[str, Any] = {}

    def run(self, name: str, script_keys: Sequence[str], args: Sequence[Any]) -> Any:
        """The script's answer; raises redis-py's errors."""
        return self._script(name)(keys=script_keys, args=args)

    def run_all(self, name: str, calls: Sequence[Call]) -> list[Any]:
        """One script for many in one round trip; where it fails on one's data, the `ResponseError` is its answer."""
        script = self._script(name)
        answers = self._ask_all(script.sha, calls)
        if any(isinstance(answer, NoScriptError) for answer in answers):  # a server that knows none ran none
            self._redis.script_load(script.script)
            answers = self._ask_all(script.sha, calls)
        for answer in answers:
            if isinstance(answer, Exception) and _is_the_servers_own(answer):
                raise answer  # its trouble (it is a replica, full, …) is nobody's fault
        return answers

    def _ask_all(self, sha: str, calls: Sequence[Call]) -> list[Any]:
        pipe = self._redis.pipeline(transaction=False)
        for script_keys, args in calls:
            pipe.evalsha(sha, len(script_keys), *script_keys, *args)
        return list(pipe.execute(raise_on_error=False))

    def _script(self, name: str) -> Any:
        if name not in self._scripts:
            self._scripts[name] = self._redis.register_script(_source(name))
        return self._scripts[name]


def _is_the_servers_own(error: Exception) -> bool:
    return type(error) is not ResponseError or bool(_SERVERS_OWN.search(str(error)))
