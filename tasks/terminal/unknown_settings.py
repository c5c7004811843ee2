"""Environment variables named like settings of slotline that nothing reads: most likely a typing error. Pure.

Only names that begin with `SLOTLINE_`: the other settings' names are those of other programs as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

from tasks.settings import Settings

PREFIX = "SLOTLINE_"

NOT_FOR_PEOPLE = ("SLOTLINE_STARTED_FD",)
"""What slotline's own processes tell each other in the environment."""


def unknown_settings(environment: Mapping[str, str]) -> list[str]:
    """A line for each such variable that is not empty, with the nearest name of a setting."""
    known = [field.alias for field in Settings.model_fields.values() if field.alias and field.alias.startswith(PREFIX)]
    given = sorted(name for name, value in environment.items() if name.startswith(PREFIX) and value)
    return [_line(name, known) for name in given if name not in (*known, *NOT_FOR_PEOPLE)]


def _line(name: str, known: list[str]) -> str:
    words = name.removeprefix(PREFIX).upper()
    nearest = get_close_matches(words, [one.removeprefix(PREFIX) for one in known], n=1)
    return f"{name} is not a setting and has no effect" + (f"; did you mean {PREFIX}{nearest[0]}?" if nearest else "")
