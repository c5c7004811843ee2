"""Where PyAV is missing, one line says so and names the command."""

from __future__ import annotations

import sys

import pytest

from tasks.errors import MissingExtra
from tasks.media.film.pyav import load


def test_without_pyav_one_line_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(
        MissingExtra, match=r"^film: PyAV cannot be imported \(.*\); run: pip install 'slotline\[av\]'$"
    ):
        load("film")
