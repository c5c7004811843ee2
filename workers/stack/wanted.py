"""What a stack is to run: its models, their slots and its flow processes, and the command and environment of each.

Starts nothing. The workers are started by Celery's own command, and get all they need by
their environment.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tasks.catalog import catalog, catalog_path
from tasks.launch import celery_command, code_home, environment
from tasks.settings import Settings
from workers.stack.worker_process import WorkerProcess

LOCAL_LEASE_S = 10.0
"""After a stack was killed, the next one waits this long at most for the messages that its workers held."""

Gpus = Mapping[str, Sequence[str]]
"""For each model on GPUs, the UUID of the GPU of each of its slots."""


@dataclass(frozen=True)
class Wanted:
    """Slots per model, processes of the flow worker, and their place. Without `broker_url` Redis is embedded."""

    models: Mapping[str, int]
    flow: int
    data: Path
    broker_url: str | None = None
    redis_port: int = 0
    lazy: bool = False

    @property
    def logs(self) -> Path:
        """The folder of the workers' logs."""
        return self.data / "logs"

    def store_url(self, settings: Settings) -> str:
        """The artifact store's URL, absolute: the workers run in another folder."""
        url = settings.store_url or str(self.data / "store")
        return url if "://" in url else str(Path(url).expanduser().absolute())

    def check_models(self) -> None:
        """Raise `UnknownModel` for a model that is not in the catalog."""
        for model in self.models:
            catalog()[model]

    def workers(self, broker_url: str, settings: Settings, gpus: Gpus) -> Iterator[WorkerProcess]:
        """The workers, not started; the logs of earlier ones are removed."""
        home, made = code_home(), environment(self._environment(broker_url, settings))
        for model, slots in self.models.items():
            for number in range(1, slots + 1):
                command = celery_command("worker", "--model", model)
                pinned = {"CUDA_VISIBLE_DEVICES": gpus[model][number - 1]} if model in gpus else {}
                log = self._new_log(f"{model}-{number}")
                yield WorkerProcess(f"{model} worker {number}", command, log, {**made, **pinned}, home)
        if self.flow:
            command = celery_command("worker", "-Q", "flow", "-c", str(self.flow))
            yield WorkerProcess("flow worker", command, self._new_log("flow"), made, home)

    def load_limit_s(self, gpus: Gpus) -> float:
        """How long loading may take: at the same time on CPUs, one after the other on each GPU."""
        limits = {model: catalog()[model].load_limit_s for model in self.models}
        in_turn: dict[str, float] = {}
        for model, uuids in gpus.items():
            for uuid in uuids:
                in_turn[uuid] = in_turn.get(uuid, 0.0) + limits[model]
        return max([*limits.values(), *in_turn.values()], default=0.0)

    def redis_options(self, settings: Settings) -> str:
        """The options of connections to its Redis, as `SLOTLINE_REDIS_OPTIONS` has them."""
        # The embedded Redis has no password, no TLS and no Sentinels.
        given = settings.redis_options
        return (given if self.broker_url else given.without_credentials()).query()

    def _environment(self, broker_url: str, settings: Settings) -> dict[str, str]:
        made = {
            "CELERY_BROKER_URL": broker_url,
            "CELERY_RESULT_BACKEND": "",
            "SLOTLINE_STORE_URL": self.store_url(settings),
            "SLOTLINE_MODELS": str(catalog_path().absolute()),
            "SLOTLINE_LAZY": str(self.lazy),
            "SLOTLINE_CPU_SLOTS": str(max(settings.cpu_slots, sum(self.models.values()))),
        }
        if not self.broker_url:
            made["SLOTLINE_REDIS_OPTIONS"] = self.redis_options(settings)
            if not os.environ.get("SLOTLINE_LEASE_S"):
                made["SLOTLINE_LEASE_S"] = str(LOCAL_LEASE_S)
        return made

    def _new_log(self, name: str) -> Path:
        path = self.logs / f"{name}.log"
        path.unlink(missing_ok=True)
        return path
