"""What the environment may say, and what follows from it."""

from __future__ import annotations

import pytest

from tasks.errors import SettingsError
from tasks.settings import BEAT_AT_MOST_S, beat_s, read


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
        ({"CELERY_BROKER_URL": "amqp://here"}, "CELERY_BROKER_URL='amqp://here'"),
        ({"CELERY_RESULT_BACKEND": "redis://elsewhere/1"}, "CELERY_RESULT_BACKEND"),
    ],
)
def test_a_wrong_value_is_refused_by_its_variables_name(environment: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read(environment)
    assert str(refused.value).startswith(named)
