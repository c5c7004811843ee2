"""The sound of a film is as long as its pictures, whatever it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.errors import InvalidInput
from tasks.media.film.soundtrack import FRAME_SAMPLES, Soundtrack, rate_for
from tests.unit.tasks.media.film.films import click_at


@pytest.mark.parametrize(
    ("rate", "taken"),
    [(8_000, 32_000), (11_025, 44_100), (16_000, 32_000), (22_050, 44_100), (24_000, 48_000), (32_000, 32_000),
     (44_100, 44_100), (48_000, 48_000), (96_000, 48_000), (11_000, 32_000), (37_800, 44_100)],
)  # fmt: skip
def test_a_rate_is_kept_or_multiplied(rate: int, taken: int) -> None:
    assert rate_for(rate) == taken


@pytest.mark.parametrize("length_s", [0.1, 1.9, 2.0, 5.0])
def test_a_sound_of_any_length_becomes_as_long_as_the_pictures(tmp_path: Path, length_s: float) -> None:
    sound = Soundtrack(click_at(tmp_path / "a.wav", 0.02, length_s, 16_000, 2))
    sound.begin()
    assert (sound.rate, sound.channels) == (32_000, 2)
    packets = [*sound.until(25), *sound.until(50), *sound.until(50, is_end=True)]
    assert [packet.pts for packet in packets] == list(range(-FRAME_SAMPLES, 2 * 32_000, FRAME_SAMPLES))
    assert packets[-1].pts + packets[-1].duration == 2 * 32_000


def test_packets_come_as_far_as_the_pictures_go(tmp_path: Path) -> None:
    sound = Soundtrack(click_at(tmp_path / "a.wav", 1, 60, 48_000))
    sound.begin()
    for second in range(1, 6):
        last = sound.until(25 * second)[-1]
        # A packet needs the samples of the next one; a part of a packet waits for its rest.
        assert 48_000 * second - 4 * FRAME_SAMPLES < last.pts <= 48_000 * second


def test_what_is_no_sound_is_refused_when_it_begins(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"no sound")
    with pytest.raises(InvalidInput, match=r"^talk\.wav: cannot be read as sound"):
        Soundtrack(tmp_path / "a", "talk.wav").begin()
