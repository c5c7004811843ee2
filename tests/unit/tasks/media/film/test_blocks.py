"""A sound lies in the store as blocks of 20 s, whatever its own rate; the same sound is written once."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tasks.errors import InvalidInput
from tasks.media.film.blocks import BLOCK_KIND, store_blocks
from tasks.media.wav import encode_wav
from tasks.store.artifacts import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "store"))


def test_a_sound_lies_in_blocks_of_20_s_at_16_khz_whose_names_are_their_content(store: Store, tmp_path: Path) -> None:
    at = np.arange(48_000 * 41) / 48_000
    soundfile.write(tmp_path / "sound.flac", np.stack([np.sin(880 * at), np.zeros_like(at)], axis=1) / 2, 48_000)
    blocks = store_blocks(store, tmp_path / "sound.flac", "audio")
    assert blocks.samples == pytest.approx(41 * 16_000, abs=2)
    lengths = []
    for name in blocks.names:
        samples, rate = soundfile.read(io.BytesIO(store.read_bytes(name)), dtype="int16")
        assert (rate, samples.ndim, name.split("/")[0]) == (16_000, 1, BLOCK_KIND)
        lengths.append(len(samples))
    assert lengths[:2] == [320_000, 320_000]
    assert sum(lengths) == blocks.samples
    assert blocks.around(25 * 30, 25) == ([blocks.names[1]], 320_000)
    assert blocks.around(25 * 39, 25) == (list(blocks.names[1:]), 320_000)


def test_blocks_that_exist_are_not_written_again(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sound.wav").write_bytes(encode_wav(np.zeros(16_000 * 60, np.int16), 16_000))
    first = store_blocks(store, tmp_path / "sound.wav", "audio")
    assert (len(first.names), len(set(first.names))) == (3, 1)
    monkeypatch.delattr(Store, "put_bytes")
    assert store_blocks(store, tmp_path / "sound.wav", "audio") == first


def test_what_is_no_sound_is_called_by_the_given_name(store: Store, tmp_path: Path) -> None:
    (tmp_path / "sound").write_text("No sound.")
    with pytest.raises(InvalidInput, match="^audio: "):
        store_blocks(store, tmp_path / "sound", "audio")
