"""slotline's settings: reads the environment variables once into a frozen object.

Where the environment names no broker, the broker, store and catalog are those of the stack that runs on this
machine (`tasks/stacks/running.py`). Settings of the servers that slotline replaces keep their names (`MODEL_DEVICE`,
`GPU_BATCH_SIZE`, `PARALLEL_CHAPTERS`, …); Celery's settings keep Celery's names; the
others are called `SLOTLINE_…`. An empty variable counts as unset. docs/settings.md lists them all.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from tasks.errors import SettingsError
from tasks.redis.options import RedisOptions

if TYPE_CHECKING:
    from tasks.stacks.running import RunningStack

BROKER_SCHEMES = ("redis://", "rediss://", "redis+socket://", "sentinel://")


def _auto_is_none(value: Any) -> Any:
    """Read the words `auto`, `null` and `none` as «not set»."""
    return None if isinstance(value, str) and value.lower() in ("auto", "null", "none") else value


def _options(value: Any) -> Any:
    """Read the options of connections to Redis; raises `SettingsError`, which pydantic lets through."""
    return RedisOptions.parse(value) if isinstance(value, str) else value


AutoInt = Annotated[int | None, BeforeValidator(_auto_is_none)]
AtLeastOne = Annotated[Annotated[int, Field(ge=1)] | None, BeforeValidator(_auto_is_none)]

SECOND_NAMES = {
    "GPU_MAX_MODEL_INSTANCES": "MODEL_POOL_MAX_INSTANCES",
    "GPU_ENABLE_MULTI_MODEL_INSTANCES": "MODEL_POOL_ENABLED",
}
"""Setting -> the name that the replaced model pools used for it, read only if the first is not set."""

BEAT_AT_MOST_S = 5.0
"""The longest time between two renewals or heartbeats, for a lease of any length."""


def without_password(url: str) -> str:
    """The URL as messages show it."""
    return re.sub(r"://[^/@]*@", "://…@", url)


def data_home() -> Path:
    """The folder of this user's slotline data: by default for the store and the embedded Redis."""
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "slotline"


class Settings(BaseModel):
    """All settings of slotline. Durations are in seconds; a name says the unit of memory."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    broker_url: str = Field("redis://localhost:6379/0", alias="CELERY_BROKER_URL")
    result_backend: str = Field("", alias="CELERY_RESULT_BACKEND")
    redis_options: Annotated[RedisOptions, BeforeValidator(_options)] = Field(
        RedisOptions(), alias="SLOTLINE_REDIS_OPTIONS"
    )
    sentinel_master: str = Field("mymaster", alias="SLOTLINE_SENTINEL_MASTER")
    store_url: str = Field("", alias="SLOTLINE_STORE_URL")
    models_path: str = Field("", alias="SLOTLINE_MODELS")
    lease_s: float = Field(30.0, gt=0.5, le=3600, alias="SLOTLINE_LEASE_S")
    fair_share: float = Field(0.1, ge=0, le=0.5, alias="SLOTLINE_FAIR_SHARE")
    drain_s: float = Field(60.0, ge=0, alias="SLOTLINE_DRAIN_S")
    cancel_grace_s: float = Field(0.5, ge=0, alias="SLOTLINE_CANCEL_GRACE_S")
    retry_s: float = Field(2.0, ge=0, alias="SLOTLINE_RETRY_S")
    job_ttl_s: float = Field(7 * 86400.0, gt=0, alias="SLOTLINE_JOB_TTL_S")
    store_ttl_s: float = Field(30 * 86400.0, ge=0, alias="SLOTLINE_STORE_TTL_S")
    store_max_gb: float | None = Field(None, gt=0, alias="SLOTLINE_STORE_MAX_GB")
    cpu_slots: int = Field(2, ge=1, le=1024, alias="SLOTLINE_CPU_SLOTS")
    machine_id: str = Field("", pattern=r"^[A-Za-z0-9._-]*$", alias="SLOTLINE_MACHINE_ID")
    load_attempts: int = Field(3, ge=1, alias="SLOTLINE_LOAD_ATTEMPTS")
    lazy: bool = Field(False, alias="SLOTLINE_LAZY")
    pipeline: bool = Field(True, alias="SLOTLINE_PIPELINE")
    stage_limit_s: float = Field(120.0, gt=0, alias="SLOTLINE_STAGE_LIMIT_S")

    device: Literal["auto", "cuda", "cpu"] = Field("auto", alias="MODEL_DEVICE")
    unload_timeout_s: float | None = Field(None, ge=0, alias="MODEL_UNLOAD_TIMEOUT")
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

    broker_is_known: bool = False
    """Whether the broker is one that was set or found, and not the default."""

    @property
    def store(self) -> str:
        """The artifact store's fsspec URL; a folder of this user by default."""
        return self.store_url or str(data_home() / "store")

    @property
    def results(self) -> str:
        """The result backend's URL: by default the broker's (`read` accepts no other database)."""
        return self.result_backend or self.broker_url


def _none() -> Sequence[RunningStack]:
    return ()


def read(environment: Mapping[str, str], stacks: Callable[[], Sequence[RunningStack]] = _none) -> Settings:
    """Settings from `environment`; raises `SettingsError`, which names each wrong variable.

    `stacks` gives the running stacks. It is called only if the environment leaves the broker, its store or the
    catalog open. A store that is not named is a stack's only together with that stack's broker.
    """
    known = {field.alias for field in Settings.model_fields.values() if field.alias}
    given = {name: environment[name] for name in known if environment.get(name)}
    seconds = {name: old for name, old in SECOND_NAMES.items() if name not in given and environment.get(old)}
    given |= {name: environment[old] for name, old in seconds.items()}
    given = {**_address(given, stacks), **given}
    try:
        settings = Settings.model_validate({**given, "broker_is_known": "CELERY_BROKER_URL" in given})
    except ValidationError as exc:
        faults = [(str(one["loc"][0]), one["input"], one["msg"]) for one in exc.errors()]
        lines = [f"{seconds.get(name, name)}={value!r}: {what}" for name, value, what in faults]
        raise SettingsError("; ".join(lines)) from exc
    if not settings.broker_url.startswith(BROKER_SCHEMES):
        raise SettingsError(f"CELERY_BROKER_URL={settings.broker_url!r}: slotline needs Redis (redis://…)")
    if settings.results != settings.broker_url:
        raise SettingsError(
            "CELERY_RESULT_BACKEND must be the same Redis database as CELERY_BROKER_URL: "
            "one script settles a part and sends the next message"
        )
    settings.redis_options.check(settings.broker_url)
    return settings


def beat_s(lease_s: float) -> float:
    """Seconds between two renewals of a lease, or two heartbeats; two may fail before the lease ends."""
    return min(lease_s / 3, BEAT_AT_MOST_S)


def _address(given: Mapping[str, str], stacks: Callable[[], Sequence[RunningStack]]) -> dict[str, str]:
    """What the running stack adds to what is given; raises `SettingsError` if more than one could be meant."""
    if all(name in given for name in ("CELERY_BROKER_URL", "SLOTLINE_STORE_URL", "SLOTLINE_MODELS")):
        return {}
    broker_url = given.get("CELERY_BROKER_URL")
    found = [one for one in stacks() if broker_url in (None, one.broker_url)]
    if not found:
        return {}
    if len({one.broker_url for one in found}) > 1:
        listed = "; ".join(f"{without_password(one.broker_url)} (pid {one.pid}, {one.store_url})" for one in found)
        raise SettingsError(f"CELERY_BROKER_URL: set it to choose one of the stacks that run here: {listed}")
    stack = found[-1]
    return {
        "CELERY_BROKER_URL": stack.broker_url,
        "SLOTLINE_STORE_URL": stack.store_url,
        "SLOTLINE_MODELS": stack.models_path,
        "SLOTLINE_REDIS_OPTIONS": stack.redis_options,
    }


class ProcessSettings:
    """This process's settings, read from the environment at the first call."""

    def __init__(self) -> None:
        self._read: Settings | None = None

    def __call__(self) -> Settings:
        """The settings; raises `SettingsError` like `read`."""
        if self._read is None:
            from tasks.stacks.running import running

            self._read = read(os.environ, running)
        return self._read

    def without_stacks(self) -> Settings:
        """The settings of a process that brings its own stack: from now on it uses no running one."""
        self._read = read(os.environ)
        return self._read

    def look_again(self) -> Settings:
        """The settings; if no broker was known, a stack that was started since is found."""
        if self._read is not None and not self._read.broker_is_known:
            self._read = None
        return self()

    def with_broker(self, broker_url: str) -> Settings:
        """The settings of a client of this broker, which need not be the process's: its store is never another's."""
        from tasks.stacks.running import running

        environment = {**os.environ, "CELERY_BROKER_URL": broker_url, "CELERY_RESULT_BACKEND": ""}
        try:
            own = self()
        except SettingsError:
            # Two stacks run, and none is set: this process has the settings of the one that it names, and a client
            # that names none is told to choose (`look_again`). Another fault is raised again here.
            chosen = read(environment, running)
            self._read = chosen.model_copy(update={"broker_is_known": False})
            return chosen
        return own if broker_url == own.broker_url else read(environment, running)

    def cache_clear(self) -> None:
        """Read the environment again at the next call."""
        self._read = None


settings = ProcessSettings()
