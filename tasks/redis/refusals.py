"""What a Redis server means when it refuses, in words: a missing right, a password, a cluster, a replica, full memory.

The one place that turns redis-py's errors of a server that answers into words. It connects to nothing, and knows no
address. An error that it does not know is none of these, and stays what it is. It counts the errors about a missing
right that this process has read, so that a worker looks for it soon (`workers/duties/heartbeat.py`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

CLUSTER = (
    "it is a Redis Cluster, which slotline cannot use, because one script changes keys of several slots; "
    "name one Redis server, or Sentinels"
)

NOT_THE_SERVERS_WORDS = ("MasterNotFoundError",)
"""Errors that quote others: the Sentinels' answers, for example."""


@dataclass
class _Count:
    rights: int = 0


_COUNT = _Count()


@dataclass(frozen=True)
class Refusal:
    """Why a server refuses, as a sentence that goes on after «Redis at URL: ».

    `may_pass`: waiting may help, as for a server that reads its data. `lacks`: to what its user lacks a right;
    empty for other reasons.
    """

    words: str
    may_pass: bool = False
    lacks: Literal["", "command", "key", "channel"] = ""


_COMMAND = re.compile(r"has no permissions to run the '(?P<name>[^']+)' command")
_UNKNOWN = re.compile(r"unknown command [`'](?P<name>[^`']+)[`']", re.IGNORECASE)

_SIGNS: tuple[tuple[str, Refusal], ...] = (
    (
        r"has no permissions to access one of the channels|can't access at least one of the channels",
        Refusal("its user may not use a channel of a command", lacks="channel"),
    ),
    (
        r"has no permissions to access one of the keys|can't access at least one of the keys",
        Refusal("its user may not use a key of a command", lacks="key"),
    ),
    (r"can't run this command or subcommand", Refusal("its user may not run a command of a script", lacks="command")),
    (r"NOPERM|NoPermissionError", Refusal("its user lacks a right", lacks="command")),
    (
        r"WRONGPASS|invalid username-password|invalid password",
        Refusal("the user or the password is wrong, or the user is disabled"),
    ),
    (
        r"NOAUTH|Authentication required|already authenticated",
        Refusal("it asks for a password, and the URL has none (redis://:PASSWORD@HOST or redis://USER:PASSWORD@HOST)"),
    ),
    (
        r"called without any password configured|no password is set",
        Refusal("the URL has a password, and this server has none"),
    ),
    (
        r"DB index is out of range|invalid DB index|Invalid Database",
        Refusal("the URL ends with the number of a database that it does not have (its setting `databases`)"),
    ),
    (
        r"in protected mode",
        Refusal("it is in protected mode, which refuses other machines until it has a password or a `bind` address"),
    ),
    (r"MASTERDOWN|Link with MASTER is down", Refusal("it is a replica that has lost its master", may_pass=True)),
    (
        r"MOVED|CROSSSLOT|CLUSTERDOWN|hash slot|non local key in a cluster|not allowed in cluster mode",
        Refusal(CLUSTER),
    ),
    (r"READONLY|read only replica", Refusal("it is a replica, which takes no writes; name its master", may_pass=True)),
    (
        r"\bOOM\b|used memory > 'maxmemory'",
        Refusal("its memory is full (`maxmemory`), and it takes no writes", may_pass=True),
    ),
    (r"MISCONF", Refusal("it takes no writes, because it cannot write to its own disk (see its log)", may_pass=True)),
    (
        r"NOREPLICAS|Not enough good replicas",
        Refusal("it takes no writes, because too few replicas follow it", may_pass=True),
    ),
    (r"LOADING|loading the dataset", Refusal("it still reads its data from the disk", may_pass=True)),
    (r"\bBUSY\b|busy running a script", Refusal("a script that does not end blocks it", may_pass=True)),
    (r"max number of clients", Refusal("it has as many connections as it allows (`maxclients`)", may_pass=True)),
)

_CODES = {
    "MovedError": "MOVED",
    "AskError": "MOVED",
    "ClusterCrossSlotError": "CROSSSLOT",
    "MasterDownError": "MASTERDOWN",
    "ClusterDownError": "CLUSTERDOWN",
    "BusyLoadingError": "LOADING",
    "ReadOnlyError": "READONLY",
    "OutOfMemoryError": "OOM",
    "NoPermissionError": "NOPERM",
}
"""redis-py gives some errors a class of their own, and removes the code from their text."""


def refusal(error: BaseException | None) -> Refusal | None:
    """What the server refuses, read from redis-py's error or one that it caused; None for any other error."""
    while error is not None:
        name = type(error).__name__
        if _is_redis_py(error) and name not in NOT_THE_SERVERS_WORDS and (found := _read(f"{name} {error}", name)):
            _COUNT.rights += bool(found.lacks)
            return found
        error = error.__cause__ or error.__context__
    return None


def rights_refused() -> int:
    """How many errors about a missing right were read in this process; only that it has grown means something."""
    return _COUNT.rights


def words(error: BaseException) -> str:
    """One line for a log: what the server refuses and its own words, or the error's text alone."""
    text = " ".join(str(error).split()) or type(error).__name__
    found = refusal(error)
    return f"Redis refuses: {found.words} ({text})" if found else text


def _is_redis_py(error: BaseException) -> bool:
    return any(base.__module__.startswith("redis.") for base in type(error).__mro__)


def _read(text: str, name: str) -> Refusal | None:
    if match := _COMMAND.search(text):
        return Refusal(f"its user may not run the command {_shown(match['name'])}", lacks="command")
    if match := _UNKNOWN.search(text):
        return Refusal(f"it has no command {_shown(match['name'])}: its operator has switched it off or renamed it")
    coded = f"{_CODES.get(name, '')} {text}"
    return next((found for sign, found in _SIGNS if re.search(sign, coded)), None)


def _shown(command: str) -> str:
    return command.upper().replace("|", " ")
