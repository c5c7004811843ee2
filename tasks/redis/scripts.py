"""Runs Lua scripts inside Redis: one, or one for many in a round trip.

A script is a file `<name>.lua` in the folder of a package; where the folder has a
`_head.lua`, its text is put before each of them, and before that the files of `tasks/redis/lua/`
that packages share. Knows nothing of their content. A server that has forgotten them (it was
restarted, or took over from another) is given them again.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from importlib import resources
from typing import TYPE_CHECKING, Any

from redis.exceptions import NoScriptError, ResponseError

from tasks.redis.refusals import refusal

if TYPE_CHECKING:
    from redis import Redis

KeysAndArguments = tuple[Sequence[str], Sequence[Any]]
"""The keys and the arguments of one run."""


@functools.cache
def _source(package: str, folder: str, name: str, shared: Sequence[str]) -> str:
    files = [resources.files("tasks.redis") / "lua" / f"{part}.lua" for part in shared]
    files += [resources.files(package) / folder / f"{part}.lua" for part in ("_head", name)]
    return "\n".join(file.read_text(encoding="utf-8") for file in files if file.name != "_head.lua" or file.is_file())


class Scripts:
    """The scripts in one folder of a package, on one client; each is read when it is first run.

    `shared` names the files of `tasks/redis/lua/` whose functions they use.
    """

    def __init__(self, client: Redis, package: str, folder: str = "lua", shared: tuple[str, ...] = ()) -> None:
        self._redis: Any = client
        self._package = package
        self._folder = folder
        self._shared = shared
        self._scripts: dict[str, Any] = {}

    def run(self, name: str, script_keys: Sequence[str], args: Sequence[Any], client: Redis | None = None) -> Any:
        """The script's answer, over another client where one is given; raises redis-py's errors."""
        return self._script(name)(keys=script_keys, args=args, client=client)

    def run_all(self, name: str, calls: Sequence[KeysAndArguments]) -> list[Any]:
        """The answers of one script to many calls, in order, in one round trip.

        Where the script fails on the data of one call, the `ResponseError` is its answer. What concerns all
        (the connection is lost, the server is full or a replica) is raised.
        """
        script = self._script(name)
        answers = self._ask_all(script.sha, calls)
        if any(isinstance(answer, NoScriptError) for answer in answers):  # a server that knows none ran none
            self._redis.script_load(script.script)
            answers = self._ask_all(script.sha, calls)
        for answer in answers:
            if isinstance(answer, Exception) and is_the_servers_own(answer):
                raise answer
        return answers

    def _ask_all(self, sha: str, calls: Sequence[KeysAndArguments]) -> list[Any]:
        pipe = self._redis.pipeline(transaction=False)
        for script_keys, args in calls:
            pipe.evalsha(sha, len(script_keys), *script_keys, *args)
        return list(pipe.execute(raise_on_error=False))

    def _script(self, name: str) -> Any:
        if name not in self._scripts:
            self._scripts[name] = self._redis.register_script(_source(self._package, self._folder, name, self._shared))
        return self._scripts[name]


def is_the_servers_own(error: Exception) -> bool:
    """Whether the server refuses every client, or does not answer; False: it is what a script was given."""
    return type(error) is not ResponseError or refusal(error) is not None
