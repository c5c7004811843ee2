"""Which kind of worker the command line asks for."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.errors import SettingsError
from workers.options import SETTINGS_NOT_FOR_SLOTS, WorkerKind, check_settings, kind_of, node_of


def test_a_model_alone_makes_a_slot_worker() -> None:
    assert kind_of({"model": "espeak", "concurrency": None}, is_prefork=True) == WorkerKind("espeak")
    assert kind_of({"model": "espeak", "concurrency": 1}, is_prefork=True) == WorkerKind("espeak")


def test_the_queue_flow_alone_makes_a_flow_worker_of_any_concurrency() -> None:
    assert kind_of({"queues": ["flow"], "concurrency": 8, "time_limit": 5.0}, is_prefork=True) == WorkerKind(None)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({}, "--model"),
        ({"model": "espeak", "queues": ["flow"]}, "-Q"),
        ({"model": "espeak", "queues": ["espeak"]}, "-Q"),
        ({"queues": ["celery"]}, "-Q celery"),
        ({"queues": ["flow", "espeak"]}, "-Q flow,espeak"),
        ({"model": "espeak", "concurrency": 2}, "-c 2"),
        ({"model": "espeak", "concurrency": "auto"}, "-c auto"),
        ({"model": "espeak", "autoscale": (1, 3)}, "--autoscale"),
        ({"queues": ["flow"], "autoscale": (1, 3)}, "--autoscale"),
        ({"model": "espeak", "beat": True}, "-B"),
        ({"model": "espeak", "exclude_queues": ["x"]}, "-X"),
        ({"model": "espeak", "time_limit": 3.0}, "--time-limit"),
        ({"model": "espeak", "soft_time_limit": 3.0}, "--soft-time-limit"),
        ({"model": "espeak", "max_tasks_per_child": 10}, "--max-tasks-per-child"),
        ({"model": "espeak", "max_memory_per_child": 10}, "--max-memory-per-child"),
        ({"model": "espeak", "pool_start_method": "spawn"}, "--pool-start-method spawn"),
        ({"queues": ["flow"], "pool_start_method": "spawn"}, "--pool-start-method spawn"),
        ({"queues": ["flow"], "purge": True}, "--purge"),
    ],
)
def test_what_the_slot_decides_is_refused_by_its_option_s_name(options: dict[str, Any], named: str) -> None:
    with pytest.raises(SettingsError) as refused:
        kind_of(options, is_prefork=True)
    assert str(refused.value).startswith(named + ":")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("option", "named"),
    [("prefetch_multiplier", "--prefetch-multiplier"), ("schedule_filename", "-s"), ("config", "--config")],
)
def test_an_option_with_a_default_is_refused_only_where_it_was_given(option: str, named: str) -> None:
    options = {"model": "espeak", "prefetch_multiplier": 4, "schedule_filename": "celerybeat-schedule"}
    assert kind_of(options, is_prefork=True, given={"model"}).model == "espeak"
    with pytest.raises(SettingsError, match=f"^{named}: "):
        kind_of(options, is_prefork=True, given={"model", option})


def test_settings_among_the_arguments_are_refused() -> None:
    with pytest.raises(SettingsError, match="^worker.concurrency=4: "):
        kind_of({"model": "espeak"}, is_prefork=True, settings=["worker.concurrency=4"])


@pytest.mark.parametrize("options", [{"model": "espeak"}, {"queues": ["flow"]}])
def test_another_pool_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match="^-P: "):
        kind_of(options, is_prefork=False)


@pytest.mark.parametrize(
    ("given", "node"),
    [
        (None, "box.home"),
        ("", "box.home"),
        ("garage", "garage"),
        ("@garage", "garage"),
        ("mine@garage", "mine@garage"),
        ("mine@", "mine@box.home"),
        ("mine-%n@%h", "mine-box@box.home"),
        ("%n.%d@%h", "box.home@box.home"),
        ("mine-%i@%h", "mine-%i@box.home"),
        ("giọng.đọc_1@%h", "giọng.đọc_1@box.home"),
    ],
)
def test_n_names_the_worker_as_celery_expands_it_and_leaves_the_slot_to_the_claim(given: str | None, node: str) -> None:
    assert node_of(given, "box.home") == node


@pytest.mark.parametrize(
    "given", ["a b@c", "a@b@c", "a\n@c", "%z@c", "50%@c", "a/b@c", "a:b@c", "a@c%i", "a|4@c", "*@c"]
)
def test_a_name_that_keys_files_or_mailboxes_could_not_have_is_refused(given: str) -> None:
    with pytest.raises(SettingsError, match="^-n "):
        node_of(given, "box.home")


@pytest.mark.parametrize("name", SETTINGS_NOT_FOR_SLOTS)
def test_a_setting_of_celerys_that_means_a_refused_option_is_refused_for_slots(name: str) -> None:
    check_settings({name: None})
    with pytest.raises(SettingsError, match=rf"^{name} \(celeryconfig.py\): \w+"):
        check_settings({name: 5})
