"""The sounds of docs/samples are small, and are what their page says: length, rate, peak, size; none is cut off."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import soundfile

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "samples"
MOST_BYTES = 100_000
ROW = re.compile(
    r"^\| \[(?P<name>[\w.]+)\]\((?P=name)\) \|.*"
    r"\| (?P<length>[\d.]+) \| (?P<rate>[\d,]+) \| (?P<peak>[\d.]+) \| (?P<size>[\d,]+) \|$",
    re.M,
)
ROWS = {found["name"]: found for found in ROW.finditer((FOLDER / "README.md").read_text("utf-8"))}


def test_the_page_lists_every_sample() -> None:
    assert set(ROWS) == {path.name for path in FOLDER.iterdir() if path.name != "README.md"}


@pytest.mark.parametrize("name", sorted(ROWS))
def test_a_sample_is_what_the_page_says(name: str) -> None:
    path, row = FOLDER / name, ROWS[name]
    samples, rate = soundfile.read(path)
    assert path.stat().st_size == number(row["size"]) <= MOST_BYTES
    assert rate == number(row["rate"])
    assert round(len(samples) / rate, 1) == float(row["length"])
    assert abs(np.abs(samples).max() - float(row["peak"])) < 0.02  # decoders differ a little
    assert np.abs(samples).max() < 1


@pytest.mark.parametrize("name", sorted(ROWS))
def test_a_sample_begins_and_ends_with_a_short_silence(name: str) -> None:
    samples, rate = soundfile.read(FOLDER / name)
    loud = np.flatnonzero(np.abs(samples) > 0.01)
    assert 0 < loud[0] / rate < 0.5
    assert 0.1 < (len(samples) - loud[-1]) / rate < 0.5


def number(text: str) -> int:
    return int(text.replace(",", ""))
