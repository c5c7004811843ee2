"""What the environment may say, and what follows from it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tasks.errors import SettingsError
from tasks.settings import BEAT_AT_MOST_S, beat_s, data_home, read, settings
from tasks.stacks.running import RunningStack, StackFile


def test_a_lease_outlives_two_beats_that_fail() -> None:
    assert beat_s(3.0) == 1.0
    assert beat_s(30.0) == BEAT_AT_MOST_S


def test_an_old_name_counts_only_where_the_new_one_is_not_set() -> None:
    assert read({"MODEL_POOL_MAX_INSTANCES": "3"}).max_instances == 3
    assert read({"MODEL_POOL_MAX_INSTANCES": "3", "GPU_MAX_MODEL_INSTANCES": "2"}).max_instances == 2


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"SLOTLINE_CPU_SLOTS": "none"}, "SLOTLINE_CPU_SLOTS='none'"),
        ({"MODEL_POOL_MAX_INSTANCES": "0"}, "MODEL_POOL_MAX_INSTANCES='0'"),
        (
            {"SLOTLINE_LAZY": "so", "SLOTLINE_CPU_SLOTS": "no"},
            "SLOTLINE_CPU_SLOTS='no': Input should be a valid integer, "
            "unable to parse string as an integer; SLOTLINE_LAZY='so'",
        ),
        ({"SLOTLINE_FAIR_SHARE": "0.6"}, "SLOTLINE_FAIR_SHARE='0.6': Input should be less than or equal to 0.5"),
        ({"CELERY_BROKER_URL": "amqp://here"}, "CELERY_BROKER_URL='amqp://here'"),
        ({"CELERY_RESULT_BACKEND": "redis://elsewhere/1"}, "CELERY_RESULT_BACKEND"),
    ],
)
def test_a_wrong_value_is_refused_by_its_variables_name(environment: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read(environment)
    assert str(refused.value).startswith(named)


HERE = RunningStack("redis://127.0.0.1:7777/0", "/data/store", "/data/models.toml", 12, 1.0)
OTHER = RunningStack("redis://:secret@127.0.0.1:8888/0", "/other/store", "/other/models.toml", 13, 2.0)
STORE, MODELS = {"SLOTLINE_STORE_URL": "/mine"}, {"SLOTLINE_MODELS": "/mine.toml"}


@pytest.mark.parametrize(
    ("environment", "stacks", "address"),
    [
        ({}, [HERE], ("redis://127.0.0.1:7777/0", "/data/store", "/data/models.toml")),
        ({"CELERY_BROKER_URL": ""}, [HERE], ("redis://127.0.0.1:7777/0", "/data/store", "/data/models.toml")),
        (STORE, [HERE], ("redis://127.0.0.1:7777/0", "/mine", "/data/models.toml")),
        (MODELS, [HERE], ("redis://127.0.0.1:7777/0", "/data/store", "/mine.toml")),
        ({"CELERY_BROKER_URL": HERE.broker_url}, [HERE, OTHER], (HERE.broker_url, "/data/store", "/data/models.toml")),
        ({"CELERY_BROKER_URL": "redis://mine"}, [HERE], ("redis://mine", "", "")),
        ({}, [], ("redis://localhost:6379/0", "", "")),
    ],
)
def test_the_address_of_a_running_stack_is_taken_whole_and_never_mixed_with_a_broker_that_is_set(
    environment: dict[str, str], stacks: list[RunningStack], address: tuple[str, str, str]
) -> None:
    found = read(environment, lambda: stacks)
    assert (found.broker_url, found.store_url, found.models_path) == address
    assert found.broker_is_known == (found.broker_url != "redis://localhost:6379/0")


def test_the_options_of_a_running_stack_belong_to_its_address_unless_others_are_set() -> None:
    locked = replace(HERE, redis_options="password=p")
    assert read({}, lambda: [locked]).redis_options.query() == "password=p"
    own = read({"SLOTLINE_REDIS_OPTIONS": "socket_timeout=3"}, lambda: [locked])
    assert own.redis_options.query() == "socket_timeout=3.0"
    elsewhere = read({"CELERY_BROKER_URL": "redis://elsewhere"}, lambda: [locked])
    assert elsewhere.redis_options.query() == "", "a password is sent to its own Redis alone"


def test_of_several_stacks_none_is_chosen_and_each_is_named_without_its_password() -> None:
    with pytest.raises(SettingsError) as refused:
        read({}, lambda: [HERE, OTHER])
    first = "redis://127.0.0.1:7777/0 (pid 12, /data/store)"
    assert str(refused.value).endswith(f"{first}; redis://…@127.0.0.1:8888/0 (pid 13, /other/store)")


def test_where_everything_is_set_nothing_is_looked_for() -> None:
    read({"CELERY_BROKER_URL": "redis://mine", **STORE, **MODELS}, lambda: pytest.fail("it looked"))


@pytest.mark.usefixtures("own_environment")
def test_a_stack_that_started_since_is_found_by_the_next_client() -> None:
    own_store = settings().store
    assert not settings().broker_is_known
    file = StackFile.leave("redis://127.0.0.1:7777/0", "/data/store", "/data/models.toml")
    assert settings().broker_url == "redis://localhost:6379/0"
    assert settings.look_again().broker_url == settings().broker_url == "redis://127.0.0.1:7777/0"
    file.remove()
    assert settings.look_again().broker_url == "redis://127.0.0.1:7777/0"
    assert settings.without_stacks().broker_url == "redis://localhost:6379/0"
    assert settings().store == own_store


@pytest.mark.usefixtures("own_environment")
def test_where_two_stacks_run_a_client_of_one_is_told_nothing_and_a_client_of_none_to_choose(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("SLOTLINE_STORE_URL")
    first, second = "redis://127.0.0.1:7777/0", "redis://127.0.0.1:7778/0"
    files = [StackFile.leave(url, f"/data/{url[-3:]}", "/data/models.toml") for url in (first, second)]
    assert [settings.with_broker(url).broker_url for url in (first, second, first)] == [first, second, first]
    assert settings.with_broker(second).store == "/data/8/0"
    assert settings().broker_url == first
    with pytest.raises(SettingsError, match="set it to choose one of the stacks that run here"):
        settings.look_again()
    for file in files:
        file.remove()


def test_a_client_of_another_broker_never_gets_the_store_of_the_stack_that_runs_here(
    own_environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SLOTLINE_STORE_URL")
    file = StackFile.leave("redis://127.0.0.1:7777/0", "/data/store", "/data/models.toml")
    assert settings().store == settings.with_broker("redis://127.0.0.1:7777/0").store == "/data/store"
    assert settings.with_broker("redis://elsewhere/1").store == str(data_home() / "store")
    file.remove()
