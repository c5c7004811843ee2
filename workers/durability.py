"""Whether a Redis server keeps its data when it restarts and when it is full; a worker warns of it at its start.

Neither INFO nor CONFIG GET is a right that a worker needs: without them the warning says what could not be looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from redis import Redis
from redis.exceptions import ResponseError

ON_ITS_RESTART = "its restart loses every job"
REMEDY = "set `appendonly yes`, or `slotline up` brings one that does"


@dataclass(frozen=True)
class Risk:
    """A setting under which the server may lose jobs, and what to do; `is_known` is False where it was not seen."""

    what: str
    todo: str
    is_known: bool = True

    @property
    def line(self) -> str:
        """Both in one line."""
        return f"{self.what}; {self.todo}"


def warnings_about(client: Redis) -> list[str]:
    """One line for each setting under which the server may lose jobs; raises redis-py's connection errors."""
    return [risk.line for risk in risks(client)]


def risks(client: Redis) -> list[Risk]:
    """The settings under which the server may lose jobs, and what could not be looked at."""
    try:
        info: Any = client.info()
    except ResponseError:
        what = "whether Redis keeps its jobs is not known: this user may not run INFO (+info)"
        return [Risk(what, "see docs/redis.md", is_known=False)]
    found = [] if info.get("aof_enabled") else _without_append_only(client)
    policy = str(info.get("maxmemory_policy") or "noeviction")
    if int(info.get("maxmemory") or 0) > 0 and policy != "noeviction":
        what = f"Redis may throw jobs away when it is full: its maxmemory-policy is {policy}"
        found.append(Risk(what, "set `maxmemory-policy noeviction`"))
    return found


def _without_append_only(client: Redis) -> list[Risk]:
    """Whether it saves snapshots instead; many providers forbid CONFIG."""
    try:
        settings: Any = client.config_get("save")
    except ResponseError:
        why = "this user may not run CONFIG GET (+config|get)"
        what = f"whether Redis saves snapshots is not known: {why}; if not, {ON_ITS_RESTART}"
        return [Risk(what, REMEDY, is_known=False)]
    if settings.get("save"):
        return []
    return [Risk(f'Redis keeps nothing: {ON_ITS_RESTART} (appendonly no, save "")', REMEDY)]
