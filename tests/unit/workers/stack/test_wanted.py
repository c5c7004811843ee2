"""What a stack is to run, as commands and environments; nothing is started."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tasks.errors import UnknownModel
from tasks.settings import read
from tests.fixtures.environment import UseCatalog
from workers.stack.wanted import Wanted
from workers.stack.worker_process import WorkerProcess

CATALOG = """
[models.quick]
adapter = "rehearsal"
load_limit_s = 30

[models.slow]
adapter = "rehearsal"
load_limit_s = 50
"""
EnvironmentOf = Callable[[WorkerProcess], dict[str, str]]


@pytest.fixture
def wanted(use_catalog: UseCatalog, tmp_path: Path) -> Wanted:
    """Two slots of one model and one of another, a flow worker of two processes, and a Redis of its own."""
    use_catalog(CATALOG)
    made = Wanted({"quick": 2, "slow": 1}, flow=2, data=tmp_path / "data")
    made.logs.mkdir(parents=True)
    return made


def test_each_slot_and_the_flow_worker_is_a_process_with_a_log_of_its_own(wanted: Wanted) -> None:
    (wanted.logs / "quick-1.log").write_text("of an earlier stack")
    workers = list(wanted.workers("redis://here/0", read({}), {}))
    assert [worker.name for worker in workers] == ["quick worker 1", "quick worker 2", "slow worker 1", "flow worker"]
    assert [worker.log.name for worker in workers] == ["quick-1.log", "quick-2.log", "slow-1.log", "flow.log"]
    assert not workers[0].log.exists()
    assert workers[0].command[-3:] == ["worker", "--model", "quick"]
    assert workers[3].command[-5:] == ["worker", "-Q", "flow", "-c", "2"]


def test_the_environment_says_where_everything_is(wanted: Wanted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLOTLINE_LEASE_S", raising=False)
    worker, *_ = wanted.workers("redis://here/0", read({}), {})
    found = worker.environment
    assert (found["CELERY_BROKER_URL"], found["CELERY_RESULT_BACKEND"]) == ("redis://here/0", "")
    assert found["SLOTLINE_STORE_URL"] == str(wanted.data / "store")
    assert (found["SLOTLINE_CPU_SLOTS"], found["SLOTLINE_LEASE_S"]) == ("3", "10.0")
    other, *_ = replace(wanted, broker_url="redis://here/0").workers("redis://here/0", read({}), {})
    assert "SLOTLINE_LEASE_S" not in other.environment, "a Redis that others use has their lease"


def test_a_redis_of_the_stacks_own_gets_no_password_of_another(wanted: Wanted) -> None:
    given = "socket_timeout=3.0&password=secret"
    settings = read({"SLOTLINE_REDIS_OPTIONS": given})
    worker, *_ = wanted.workers("redis://here/0", settings, {})
    assert worker.environment["SLOTLINE_REDIS_OPTIONS"] == "socket_timeout=3.0"
    other, *_ = replace(wanted, broker_url="redis://here/0").workers("redis://here/0", settings, {})
    assert "SLOTLINE_REDIS_OPTIONS" not in other.environment, "it is in the environment already"


def test_a_slot_on_a_gpu_is_pinned_to_it(wanted: Wanted) -> None:
    gpus = {"quick": ["GPU-a", "GPU-b"]}
    workers = list(wanted.workers("redis://here/0", read({}), gpus))
    assert [worker.environment.get("CUDA_VISIBLE_DEVICES") for worker in workers[:2]] == ["GPU-a", "GPU-b"]


def test_models_load_at_once_on_cpus_and_one_after_the_other_on_a_gpu(wanted: Wanted) -> None:
    assert wanted.load_limit_s({}) == 50
    assert wanted.load_limit_s({"quick": ["GPU-a", "GPU-a"], "slow": ["GPU-b"]}) == 60


def test_an_unknown_model_is_named(wanted: Wanted) -> None:
    wanted.check_models()
    with pytest.raises(UnknownModel, match="did you mean 'quick'"):
        replace(wanted, models={"qick": 1}).check_models()


def test_a_store_of_the_settings_is_used_absolutely(wanted: Wanted) -> None:
    assert wanted.store_url(read({"SLOTLINE_STORE_URL": "s3://bucket/store"})) == "s3://bucket/store"
    assert wanted.store_url(read({"SLOTLINE_STORE_URL": "store"})) == str(Path("store").absolute())
