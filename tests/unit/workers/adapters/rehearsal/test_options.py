"""The rehearsal's options are checked by name."""

from __future__ import annotations

import pytest

from tasks.catalog import ModelEntry
from tasks.errors import CatalogError
from workers.adapters.rehearsal.options import RehearsalOptions


def read(**options: object) -> RehearsalOptions:
    return RehearsalOptions.of(
        ModelEntry.model_validate({"name": "rehearsal", "adapter": "rehearsal", "options": options})
    )


def test_without_options_it_gives_sound_at_once() -> None:
    options = read()
    assert (options.gives, options.seconds, options.seconds_per_frame, options.frame_size) == ("sound", 0.0, 0.0, 64)


@pytest.mark.parametrize(
    ("option", "wrong"),
    [
        ("seconds", -1),
        ("seconds", "1"),
        ("load_seconds", float("inf")),
        ("voices", "a"),
        ("faults", 1),
        ("steps", -1),
        ("step_size", 0),
        ("gives", "pictures"),
        ("frame_size", 20),
        ("frame_size", 8),
        ("seconds_per_frame", -0.1),
    ],
)
def test_an_option_of_a_wrong_value_is_refused_by_its_name(option: str, wrong: object) -> None:
    with pytest.raises(CatalogError, match=f"{option}: .*got"):
        read(**{option: wrong})
