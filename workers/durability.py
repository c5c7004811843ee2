"""Whether a Redis server keeps its data when it restarts and when it is full; a worker warns of it at its start."""

from __future__ import annotations

from typing import Any

from redis import Redis, RedisError


def warnings_about(client: Redis) -> list[str]:
    """One line for each setting under which the server may lose jobs; raises redis-py's connection errors."""
    info: Any = client.info()
    found = []
    if not info.get("aof_enabled") and not _saves_snapshots(client):
        found.append(
            'Redis keeps nothing: its restart loses every job (appendonly no, save ""); set `appendonly yes`, '
            "or `slotline up` brings one that does"
        )
    policy = str(info.get("maxmemory_policy") or "noeviction")
    if int(info.get("maxmemory") or 0) > 0 and policy != "noeviction":
        found.append(f"Redis may throw jobs away when it is full: set `maxmemory-policy noeviction` (it is {policy})")
    return found


def _saves_snapshots(client: Redis) -> bool:
    """Whether it does; assumed where it may not be asked (many providers forbid CONFIG)."""
    try:
        found: Any = client.config_get("save")
    except RedisError:
        return True
    return bool(found.get("save"))
