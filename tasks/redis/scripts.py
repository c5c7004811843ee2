"""Runs Lua scripts inside Redis: one at a time, or many runs, also of different scripts, in one round trip.

A script is a file `<name>.lua` in the folder of a package; the texts of the folder's heads, files like
`_head.lua`, are put before each of them in order of their names, and before that the files of `tasks/redis/lua/`
that packages share; what the script does not use of them is left out (`lua_source.py`). Knows nothing else of their
content. A server that has forgotten them (it was
restarted, or took over from another) is given them again.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from importlib import resources
from typing import TYPE_CHECKING, Any

from redis.exceptions import NoScriptError, ResponseError

from tasks.redis.lua_source import with_heads
from tasks.redis.refusals import refusal

if TYPE_CHECKING:
    from redis import Redis

HEAD = re.compile(r"_\w+\.lua")

KeysAndArguments = tuple[Sequence[str], Sequence[Any]]
"""The keys and the arguments of one run."""

ScriptRun = tuple[str, Sequence[str], Sequence[Any]]
"""One run: the script's name, its keys and its arguments."""


@functools.cache
def _source(package: str, folder: str, name: str, shared: Sequence[str]) -> str:
    own = resources.files(package) / folder
    files = [resources.files("tasks.redis") / "lua" / f"{part}.lua" for part in shared]
    files += sorted((file for file in own.iterdir() if HEAD.fullmatch(file.name)), key=lambda file: file.name)
    heads = [file.read_text(encoding="utf-8") for file in files]
    return with_heads(heads, (own / f"{name}.lua").read_text(encoding="utf-8"))


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
        self._given: set[str] = set()

    def run(self, name: str, script_keys: Sequence[str], args: Sequence[Any], client: Redis | None = None) -> Any:
        """The script's answer, over another client where one is given; raises redis-py's errors."""
        return self._script(name)(keys=script_keys, args=args, client=client)

    def run_all(self, name: str, calls: Sequence[KeysAndArguments]) -> list[Any]:
        """The answers of one script to many calls, as `run_together` gives them."""
        return self.run_together([(name, *call) for call in calls])

    def run_together(self, runs: Sequence[ScriptRun]) -> list[Any]:
        """The answers to many runs, in order, in one round trip.

        Where a script fails on the data of one run, the `ResponseError` is its answer. What concerns all
        (the connection is lost, the server is full or a replica) is raised.
        A server that has forgotten scripts is given them again, and only the runs that it could not do are repeated.
        One that has forgotten some but not all does those late; at a script's first use here `_ask` avoids that.
        """
        answers = self._ask(runs)
        if forgotten := [index for index, answer in enumerate(answers) if isinstance(answer, NoScriptError)]:
            for name in dict.fromkeys(runs[index][0] for index in forgotten):
                self._redis.script_load(self._script(name).script)
            for index, answer in zip(forgotten, self._ask([runs[index] for index in forgotten]), strict=True):
                answers[index] = answer
        for answer in answers:
            if isinstance(answer, Exception) and is_the_servers_own(answer):
                raise answer
        return answers

    def _ask(self, runs: Sequence[ScriptRun]) -> list[Any]:
        """One pipeline. Scripts that this process has not run yet go ahead of it, so that the runs keep their order."""
        pipe = self._redis.pipeline(transaction=False)
        new = [name for name in dict.fromkeys(name for name, _, _ in runs) if name not in self._given]
        for name in new:
            pipe.script_load(self._script(name).script)
        for name, script_keys, args in runs:
            pipe.evalsha(self._script(name).sha, len(script_keys), *script_keys, *args)
        answers = list(pipe.execute(raise_on_error=False))
        self._given.update(new)
        return answers[len(new) :]

    def _script(self, name: str) -> Any:
        if name not in self._scripts:
            self._scripts[name] = self._redis.register_script(_source(self._package, self._folder, name, self._shared))
        return self._scripts[name]


def is_the_servers_own(error: Exception) -> bool:
    """Whether the server refuses every client, or does not answer; False: it is what a script was given."""
    return type(error) is not ResponseError or refusal(error) is not None
