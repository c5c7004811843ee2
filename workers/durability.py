"""What a Redis server keeps when it ends, and when it is full: what a worker says at its start if jobs may be lost."""

from __future__ import annotations

from typing import Any

from redis import Redis, RedisError


def complaints(client: Redis) -> list[str]:
    """One line for each setting under which the server may lose jobs; raises redis-py's connection errors."""
    told: Any = client.info()
    said = []
    if not told.get("aof_enabled") and not _saves(client):
        said.append(
            'Redis keeps nothing: its restart loses every job (appendonly no, save ""); set `appendonly yes`, '
            "or `slotline up` brings one that does"
        )
    policy = str(told.get("maxmemory_policy") or "noeviction")
    if int(told.get("maxmemory") or 0) > 0 and policy != "noeviction":
        said.append(f"Redis may throw jobs away when it is full: set `maxmemory-policy noeviction` (it is {policy})")
    return said


def _saves(client: Redis) -> bool:
    """Whether it writes snapshots; where it does not tell (CONFIG is forbidden at many providers), we trust that."""
    try:
        told: Any = client.config_get("save")
    except RedisError:
        return True
    return bool(told.get("save"))
