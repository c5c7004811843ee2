"""slotline's settings: reads the environment variables once into a frozen object.

Settings of the servers that slotline replaces keep their names (`MODEL_DEVICE`,
`GPU_BATCH_SIZE`, `PARALLEL_CHAPTERS`, …); Celery's settings keep Celery's names; the
others are called `SLOTLINE_…`. An empty variable counts as unset. The README lists them all.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from tasks.errors import SettingsError

BROKER_SCHEMES = ("redis://", "rediss://", "redis+socket://", "sentinel://")


def _auto_is_none(value: Any) -> Any:
    """Read the words `auto`, `null` and `none` as «not set»."""
    return None if isinstance(value, str) and value.lower() in ("auto", "null", "none") else value


AutoInt = Annotated[int | None, BeforeValidator(_auto_is_none)]
AtLeastOne = Annotated[Annotated[int, Field(ge=1)] | None, BeforeValidator(_auto_is_none)]

SECOND_NAMES = {
    "GPU_MAX_MODEL_INSTANCES": "MODEL_POOL_MAX_INSTANCES",
    "GPU_ENABLE_MULTI_MODEL_INSTANCES": "MODEL_POOL_ENABLED",
}
"""Setting -> the name that the replaced model pools used for it, read only if the first is not set."""

BEAT_AT_MOST_S = 5.0
"""The longest time between two renewals or heartbeats, for a lease of any length."""


def data_home() -> Path:
    """The folder of this user's slotline data: by default for the store and the embedded Redis."""
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "slotline"


class Settings(BaseModel):
    """All settings of slotline. Durations are in seconds; a name says the unit of memory."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    broker_url: str = Field("redis://localhost:6379/0", alias="CELERY_BROKER_URL")
    result_backend: str = Field("", alias="CELERY_RESULT_BACKEND")
    sentinel_master: str = Field("mymaster", alias="SLOTLINE_SENTINEL_MASTER")
    store_url: str = Field("", alias="SLOTLINE_STORE_URL")
    models_path: str = Field("", alias="SLOTLINE_MODELS")
    lease_s: float = Field(30.0, gt=0.5, le=3600, alias="SLOTLINE_LEASE_S")
    drain_s: float = Field(60.0, ge=0, alias="SLOTLINE_DRAIN_S")
    cancel_grace_s: float = Field(0.5, ge=0, alias="SLOTLINE_CANCEL_GRACE_S")
    retry_s: float = Field(2.0, ge=0, alias="SLOTLINE_RETRY_S")
    job_ttl_s: float = Field(7 * 86400.0, gt=0, alias="SLOTLINE_JOB_TTL_S")
    store_ttl_s: float = Field(30 * 86400.0, gt=0, alias="SLOTLINE_STORE_TTL_S")
    cpu_slots: int = Field(2, ge=1, le=1024, alias="SLOTLINE_CPU_SLOTS")
    load_attempts: int = Field(3, ge=1, alias="SLOTLINE_LOAD_ATTEMPTS")
    lazy: bool = Field(False, alias="SLOTLINE_LAZY")

    device: Literal["auto", "cuda", "cpu"] = Field("auto", alias="MODEL_DEVICE")
    unload_timeout_s: float = Field(0.0, ge=0, alias="MODEL_UNLOAD_TIMEOUT")
    clear_cuda_cache: bool = Field(True, alias="CLEAR_CUDA_CACHE")
    force_gc: bool = Field(False, alias="FORCE_GC_AFTER_REQUEST")
    log_level: str = Field("INFO", alias="LOG_LEVEL")
    multi_instances: bool = Field(True, alias="GPU_ENABLE_MULTI_MODEL_INSTANCES")
    max_instances: AtLeastOne = Field(None, alias="GPU_MAX_MODEL_INSTANCES")
    memory_buffer_gb: float = Field(2.0, ge=0, alias="GPU_MODEL_MEMORY_BUFFER_GB")
    estimated_model_gb: float | None = Field(None, gt=0, alias="GPU_ESTIMATED_MODEL_SIZE_GB")
    batch_size: AutoInt = Field(None, alias="GPU_BATCH_SIZE")
    max_delay_ms: float = Field(0.0, ge=0, alias="GPU_MAX_DELAY_MS")
    queue_size: AutoInt = Field(None, alias="GPU_QUEUE_SIZE")
    fp16: bool = Field(True, alias="GPU_USE_FP16")
    warm_up: bool = Field(True, alias="GPU_ENABLE_WARMUP")
    parallel_chapters: int = Field(2, ge=1, alias="PARALLEL_CHAPTERS")
    parallel_paragraphs: AutoInt = Field(None, alias="PARALLEL_PARAGRAPHS")

    @property
    def store(self) -> str:
        """The artifact store's fsspec URL; a folder of this user by default."""
        return self.store_url or str(data_home() / "store")

    @property
    def results(self) -> str:
        """The result backend's URL: by default the broker's (`read` accepts no other database)."""
        return self.result_backend or self.broker_url


def read(environment: Mapping[str, str]) -> Settings:
    """Settings from `environment`; raises `SettingsError`, which names the wrong variable."""
    known = {field.alias for field in Settings.model_fields.values() if field.alias}
    given = {name: environment[name] for name in known if environment.get(name)}
    seconds = {name: old for name, old in SECOND_NAMES.items() if name not in given and environment.get(old)}
    given |= {name: environment[old] for name, old in seconds.items()}
    try:
        settings = Settings.model_validate(given)
    except ValidationError as exc:
        first = exc.errors()[0]
        name = str(first["loc"][0])
        raise SettingsError(f"{seconds.get(name, name)}={first['input']!r}: {first['msg']}") from exc
    if not settings.broker_url.startswith(BROKER_SCHEMES):
        raise SettingsError(f"CELERY_BROKER_URL={settings.broker_url!r}: slotline needs Redis (redis://…)")
    if settings.results != settings.broker_url:
        raise SettingsError(
            "CELERY_RESULT_BACKEND must be the same Redis database as CELERY_BROKER_URL: "
            "one script settles a part and sends the next message"
        )
    return settings


def beat_s(lease_s: float) -> float:
    """Seconds between two renewals of a lease, or two heartbeats; two may fail before the lease ends."""
    return min(lease_s / 3, BEAT_AT_MOST_S)


@functools.cache
def settings() -> Settings:
    """This process's settings, read from the environment at the first call."""
    return read(os.environ)
