"""Stretches in the store become one film; what is missing is named, all at once, and nothing is stored then."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from tasks.errors import ArtifactMissing, StoreError
from tasks.media.assemble_parts import PartsMissing
from tasks.media.encoding import Encoding
from tasks.media.film import join_stretches
from tasks.media.film.encode import encode_stretch
from tasks.media.film.join_stretches import check_all, join_to_store
from tasks.media.wav import encode_wav
from tasks.store.artifacts import Store, name_of

SOUND = "sound/ab/sound.wav"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(str(tmp_path / "store"))
    store.put_bytes(SOUND, encode_wav(np.zeros(8_000, np.int16), 16_000))
    return store


@pytest.fixture
def stretches(store: Store) -> list[str]:
    names = [name_of("lipsync", "mp4", {"number": number}) for number in range(3)]
    for number, name in enumerate(names):
        pictures = [np.full((32, 64, 3), 60 * number, np.uint8)] * (5 if number < 2 else 3)
        store.put_bytes(name, encode_stretch(pictures, Encoding()).data)
    return names


def test_a_film_is_joined_once_and_its_details_name_its_stretches(store: Store, stretches: list[str]) -> None:
    film = join_to_store(store, stretches, SOUND)
    assert film.details == {"width": 64, "height": 32, "frames": 13, "stretches": stretches}
    assert store.read_bytes(film.name)[4:8] == b"ftyp"
    store.delete(stretches[0])
    assert join_to_store(store, stretches, SOUND) == film, "it exists, and no stretch is read"
    others = [join_to_store(store, stretches[1:], SOUND).name, join_to_store(store, stretches[:0:-1], SOUND).name]
    assert len({film.name, *others}) == 3, "which stretches, in which order, is in the name"


def test_all_that_is_missing_or_damaged_is_named_together(store: Store, stretches: list[str], tmp_path: Path) -> None:
    path = tmp_path / "store" / stretches[0]
    path.write_bytes(b"damaged!" + path.read_bytes()[8:])
    store.delete(stretches[2])
    with pytest.raises(PartsMissing, match="^stretch 1: artifact .* is damaged") as gone:
        join_to_store(store, stretches, SOUND)
    assert gone.value.numbers == [1, 3]
    assert not list((tmp_path / "store").glob("film/*/*"))
    with pytest.raises(PartsMissing) as again:
        check_all(store, stretches)
    assert again.value.numbers == [1, 3]
    check_all(store, stretches[1:2])


def test_a_sound_that_is_missing_is_named(store: Store, stretches: list[str]) -> None:
    with pytest.raises(ArtifactMissing, match="^artifact sound/ab/gone.wav is not in"):
        join_to_store(store, stretches, "sound/ab/gone.wav")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here, which is a full disk")
def test_a_full_disk_is_an_error_of_the_store_and_may_pass(
    store: Store, stretches: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def full() -> Iterator[Path]:
        (tmp_path / "scratch").mkdir()
        (tmp_path / "scratch" / "film.mp4").symlink_to("/dev/full")
        yield tmp_path / "scratch"

    monkeypatch.setattr(join_stretches, "scratch_folder", full)
    with pytest.raises(StoreError, match="^the film could not be written: No space left on device$") as refused:
        join_to_store(store, stretches, SOUND)
    assert refused.value.retryable
