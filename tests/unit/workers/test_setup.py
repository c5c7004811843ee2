"""What a worker is set up as, on a Celery worker that is not built yet; real ones stand in `test_startup.py`."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import redis
from celery import Celery

from tasks.errors import BrokerRefused, BrokerUnavailable, CatalogError, NoFreeSlot, SettingsError
from tasks.redis import keys
from tasks.redis.rights import WORKER
from tasks.settings import settings
from tests.fixtures.environment import UseCatalog
from tests.fixtures.redis_users import RedisUser
from workers.adapters.rehearsal import Rehearsal
from workers.setup import Setup, set_up

CATALOG = '[models.quick]\nadapter = "rehearsal"\nbatch_size = 4\n'
FACES = """
[models.faces]
adapter = "rehearsal"
gives = "film"
path = "faces/{id}"
preload = ["anna"]
"""


@pytest.fixture
def instance(broker: str, use_catalog: UseCatalog, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Celery's worker as its first signal shows it; the environment and the handlers are put back."""
    use_catalog(CATALOG)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    before = signal.getsignal(signal.SIGTERM)
    with Celery("setup", broker=broker, backend=broker, set_as_current=False) as app:
        yield SimpleNamespace(app=app, hostname="celery@here")
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def made() -> Iterator[list[Setup]]:
    """The setups of a test; their claims are released at its end."""
    setups: list[Setup] = []
    yield setups
    for setup in setups:
        setup.renewal.stop()


def test_a_slot_worker_holds_a_slot_and_is_named_after_it(
    instance: Any, made: list[Setup], redis_client: redis.Redis
) -> None:
    made.append(set_up(instance, {"model": "quick"}))
    spec = made[0].spec
    assert spec is not None
    assert (instance.hostname, spec.worker, spec.device, spec.batch_size) == (
        "quick-cpu-0@here",
        "quick-cpu-0@here",
        "cpu",
        4,
    )
    assert made[0].renewal.claim.parts == 12
    assert redis_client.get(made[0].renewal.claim.key) == made[0].renewal.claim.value


def test_a_flow_worker_holds_a_number_and_no_model(instance: Any, made: list[Setup]) -> None:
    made.append(set_up(instance, {"queues": ["flow"]}))
    assert (instance.hostname, made[0].spec) == ("flow-0@here", None)


def test_the_settings_bound_a_batch_and_a_lazy_slot_is_one(
    instance: Any, made: list[Setup], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GPU_BATCH_SIZE", "2")
    settings.cache_clear()
    made.append(set_up(instance, {"model": "quick", "lazy": True}))
    spec = made[0].spec
    assert spec is not None
    assert (spec.batch_size, spec.is_lazy) == (2, True)


@pytest.mark.parametrize(("variable", "timeout_s"), [("", 300.0), ("0", 0.0)])
def test_an_adapter_says_when_its_idle_model_is_unloaded_unless_the_environment_does(
    instance: Any, made: list[Setup], monkeypatch: pytest.MonkeyPatch, variable: str, timeout_s: float
) -> None:
    monkeypatch.setattr(Rehearsal, "idle_unload_s", 300.0)
    monkeypatch.setenv("MODEL_UNLOAD_TIMEOUT", variable)
    settings.cache_clear()
    made.append(set_up(instance, {"model": "quick"}))
    spec = made[0].spec
    assert spec is not None
    assert spec.idle_timeout.seconds == timeout_s


def test_a_redis_that_keeps_nothing_is_a_warning(instance: Any, made: list[Setup]) -> None:
    made.append(set_up(instance, {"model": "quick"}))
    assert [line.partition(":")[0] for line in made[0].warnings] == ["Redis keeps nothing"]


@pytest.mark.parametrize(
    ("environment", "error", "words"),
    [
        ({"LOG_LEVEL": "LOUD"}, SettingsError, "LOG_LEVEL='LOUD'"),
        ({"CELERY_BROKER_URL": "redis://127.0.0.1:1/0"}, BrokerUnavailable, "no Redis answers"),
    ],
)
def test_a_refused_worker_holds_no_slot(
    instance: Any,
    environment: dict[str, str],
    error: type[Exception],
    words: str,
    redis_client: redis.Redis,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    if url := environment.get("CELERY_BROKER_URL"):
        instance.app.conf.update(broker_url=url, result_backend=url)
    with pytest.raises(error, match=words):
        set_up(instance, {"model": "quick"})
    assert redis_client.keys(keys.PREFIX + "slot:*") == []


@pytest.mark.parametrize("options", [{"model": "quick"}, {"queues": ["flow"]}])
@pytest.mark.parametrize("right", ["+evalsha", "~quick*", "&/0.celery.pidbox"])
def test_a_worker_that_lacks_a_right_is_refused_by_its_name(
    instance: Any, options: dict[str, Any], right: str, redis_user: RedisUser, redis_client: redis.Redis
) -> None:
    every = WORKER.rights(0, ["quick"])
    url = redis_user("worker", *(other for other in every if other != right))
    instance.app.conf.update(broker_url=url, result_backend=url)
    with pytest.raises(BrokerRefused) as refused:
        set_up(instance, options)
    assert f"user 'worker' lacks rights that a worker needs: {right} (docs/redis.md" in str(refused.value)
    assert redis_client.keys("*") == []


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (":pw@", ":no@", "the user or the password is wrong"),
        ("/0", "/99", "the number of a database that it does not have"),
        ("redis://", "rediss://", "speaks no TLS: write redis://"),  # the query is Celery's own demand
    ],
)
def test_a_url_that_redis_refuses_is_one_line(
    instance: Any, old: str, new: str, words: str, redis_user: RedisUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = redis_user("worker", *WORKER.rights(0, ["quick"])).replace(old, new)
    url += "?ssl_cert_reqs=none" if new == "rediss://" else ""
    monkeypatch.setenv("CELERY_BROKER_URL", url)
    settings.cache_clear()
    instance.app.conf.update(broker_url=url, result_backend=url)
    with pytest.raises(BrokerRefused, match=words):
        set_up(instance, {"model": "quick"})


def test_without_the_optional_rights_a_worker_is_set_up_and_says_what_it_cannot_see(
    instance: Any, made: list[Setup], redis_user: RedisUser
) -> None:
    url = redis_user("worker", *WORKER.rights(0, ["quick"]))
    instance.app.conf.update(broker_url=url, result_backend=url)
    made.append(set_up(instance, {"model": "quick"}))
    (warning,) = made[0].warnings
    assert warning.startswith("whether Redis keeps its jobs is not known")


def test_when_all_slots_are_held_it_is_refused_by_their_holders(
    instance: Any, made: list[Setup], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SLOTLINE_CPU_SLOTS", "1")
    settings.cache_clear()
    made.append(set_up(instance, {"model": "quick"}))
    with pytest.raises(NoFreeSlot, match="held by quick-cpu-0@here"):
        set_up(instance, {"model": "quick"})


def test_a_face_to_preload_that_does_not_exist_is_named_before_a_slot_is_claimed(
    instance: Any, redis_client: redis.Redis, tmp_path: Path, use_catalog: UseCatalog
) -> None:
    use_catalog(FACES)
    (tmp_path / "faces" / "bert").mkdir(parents=True)
    with pytest.raises(CatalogError, match=r"\[models.faces\] preload: face: faces has no face 'anna'; it has bert$"):
        set_up(instance, {"model": "faces"})
    assert not redis_client.keys("slotline:slot:*")
