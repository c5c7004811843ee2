"""Whether a Redis server keeps its data when it restarts and when it is full; a worker warns of it at its start.

Neither INFO nor CONFIG GET is a right that a worker needs: without them the warning says what could not be looked at.
"""

from __future__ import annotations

from typing import Any

from redis import Redis
from redis.exceptions import ResponseError

ON_ITS_RESTART = "its restart loses every job"
REMEDY = "set `appendonly yes`, or `slotline up` brings one that does"


def warnings_about(client: Redis) -> list[str]:
    """One line for each setting under which the server may lose jobs; raises redis-py's connection errors."""
    try:
        info: Any = client.info()
    except ResponseError:
        return ["whether Redis keeps its jobs is not known: this user may not run INFO (+info), see docs/redis.md"]
    found = [] if info.get("aof_enabled") else _without_append_only(client)
    policy = str(info.get("maxmemory_policy") or "noeviction")
    if int(info.get("maxmemory") or 0) > 0 and policy != "noeviction":
        found.append(f"Redis may throw jobs away when it is full: set `maxmemory-policy noeviction` (it is {policy})")
    return found


def _without_append_only(client: Redis) -> list[str]:
    """Whether it saves snapshots instead; many providers forbid CONFIG."""
    try:
        settings: Any = client.config_get("save")
    except ResponseError:
        why = "this user may not run CONFIG GET (+config|get)"
        return [f"whether Redis saves snapshots is not known: {why}; if not, {ON_ITS_RESTART}: {REMEDY}"]
    return [] if settings.get("save") else [f'Redis keeps nothing: {ON_ITS_RESTART} (appendonly no, save ""); {REMEDY}']
