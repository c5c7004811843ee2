"""The espeak-ng library through ctypes: opened, listed, spoken with, and closed."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import espeakng_loader
import numpy as np
import pytest

from workers.adapters.espeak.library import Library, LibraryError

SENTENCE = "The sea was calm."


@pytest.fixture
def library() -> Iterator[Library]:
    opened = Library.open(espeakng_loader.get_library_path(), espeakng_loader.get_data_path())
    opened.use("gmw/en-US", 175, 70)
    yield opened
    opened.close()


def loudness(sound: bytes) -> float:
    return float(np.abs(np.frombuffer(sound, dtype=np.int16)).max())


def test_it_says_its_version_and_rate(library: Library) -> None:
    assert re.fullmatch(r"1\.\d+(\.\d+)*", library.version)
    assert library.sample_rate == 22_050


def test_each_voice_has_its_files_name_and_its_languages_in_lower_case(library: Library) -> None:
    by_identifier = {voice.identifier: voice.languages for voice in library.voices()}
    assert by_identifier["aav/vi-VN-x-south"] == ("vi-vn-x-south",)
    assert by_identifier["gmw/en"][0] == "en-gb"
    assert len(by_identifier["gmw/en"]) > 1
    assert all(languages for languages in by_identifier.values())


def test_what_is_spoken_is_16_bit_mono_and_nothing_is_left_of_it_for_the_next(library: Library) -> None:
    first, twice, again = (library.speak(text) for text in (SENTENCE, f"{SENTENCE} {SENTENCE}", SENTENCE))
    assert 0.5 < len(first) / 2 / library.sample_rate < 3.0
    assert len(again) == pytest.approx(len(first), rel=0.02)
    assert len(twice) > 1.5 * len(first)
    assert not any(library.speak(""))


def test_rate_and_volume_hold_from_then_on(library: Library) -> None:
    usual = library.speak(SENTENCE)
    library.use("gmw/en-US", 350, 70)
    assert len(library.speak(SENTENCE)) < 0.7 * len(usual)
    library.use("gmw/en-US", 175, 20)
    quiet = library.speak(SENTENCE)
    assert loudness(quiet) < 0.5 * loudness(usual)
    assert len(quiet) == pytest.approx(len(usual), rel=0.02)


def test_a_voice_that_it_lacks_is_an_error_and_the_next_one_is_spoken(library: Library) -> None:
    with pytest.raises(LibraryError, match="'no-such' cannot be loaded"):
        library.use("no-such", 175, 70)
    library.use("aav/vi", 175, 70)
    assert library.speak("Xin chào.")


def test_a_surrogate_and_the_characters_that_end_or_command_are_not_sent_to_it(library: Library) -> None:
    plain = library.speak(f"one  {SENTENCE}")
    for hidden in ("\x00", "\x01", "\ud800"):
        assert len(library.speak(f"one {hidden} {SENTENCE}")) == pytest.approx(len(plain), rel=0.02)


def test_memory_that_runs_out_within_its_callback_is_raised_and_not_a_hole_in_the_sound(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(address: Any, size: int = -1) -> bytes:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(ctypes, "string_at", full)
        with pytest.raises(MemoryError):
            library.speak(SENTENCE)
    assert library.speak(SENTENCE)


def test_what_cannot_be_opened_is_named(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match=rf"{tmp_path}.* cannot be opened"):
        Library.open(str(tmp_path / "none.so"), espeakng_loader.get_data_path())
    with pytest.raises(LibraryError, match=rf"{tmp_path} holds no voices"):
        Library.open(espeakng_loader.get_library_path(), str(tmp_path))


def test_its_data_has_another_digest_when_a_file_or_a_name_of_it_changes(tmp_path: Path) -> None:
    (tmp_path / "voices").mkdir()
    (tmp_path / "voices" / "vi").write_bytes(b"rules")
    native: Any = None  # is not asked
    library = Library(native, tmp_path, 22_050)
    first = library.data_digest()
    assert library.data_digest() == first
    (tmp_path / "voices" / "vi").write_bytes(b"other")
    changed = library.data_digest()
    (tmp_path / "voices" / "vi").rename(tmp_path / "voices" / "en")
    assert len({first, changed, library.data_digest()}) == 3
