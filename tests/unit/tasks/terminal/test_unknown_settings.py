"""A typing error in the name of a setting is said, with the name that was meant."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tasks.terminal.unknown_settings import unknown_settings
from tests.fixtures.commands import Slotline

ROOT = Path(__file__).resolve().parents[4]


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("SLOTLINE_LEASE", "; did you mean SLOTLINE_LEASE_S?"),
        ("SLOTLINE_STORE_URI", "; did you mean SLOTLINE_STORE_URL?"),
        ("SLOTLINE_lease_s", "; did you mean SLOTLINE_LEASE_S?"),
        ("SLOTLINE_Q", ""),
    ],
)
def test_an_unknown_name_is_one_line_with_the_nearest_known_one(name: str, nearest: str) -> None:
    given = {name: "5", "SLOTLINE_LEASE_S": "5", "SLOTLINE_EMPTY": "", "GPU_FROM_ANOTHER_PROGRAM": "1"}
    assert unknown_settings(given) == [f"{name} is not a setting and has no effect{nearest}"]


def test_every_name_that_the_code_reads_is_known() -> None:
    sources = (path for package in ("tasks", "workers", "producer") for path in (ROOT / package).rglob("*.py"))
    named = {name for path in sources for name in re.findall(r'"(SLOTLINE_[A-Z0-9_]*[A-Z0-9])"', path.read_text())}
    assert len(named) > 10
    assert unknown_settings(dict.fromkeys(named, "1")) == []


def test_a_command_says_so_once_and_goes_on(broker: str, slotline: Slotline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLOTLINE_LAZI", "1")
    said = slotline("jobs")
    assert (said.status, said.out) == (0, "no jobs are recorded\n")
    assert said.err == "slotline: SLOTLINE_LAZI is not a setting and has no effect; did you mean SLOTLINE_LAZY?\n"
