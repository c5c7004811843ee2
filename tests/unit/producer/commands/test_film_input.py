"""What a person gives for a film. What is wrong with it, in a command's words: test_video.py."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pytest

from producer.commands.film_input import film_input
from tasks.errors import InvalidInput
from tasks.media.wav import encode_wav
from tasks.store.artifacts import Store

WAV = encode_wav(np.zeros(1600, np.float32), 16_000)


def give(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


def test_a_sound_of_any_file_name_has_a_title_that_can_be_printed(tmp_path: Path) -> None:
    for name in ("-v.wav", "two\nlines.WAV", "\udcff.wav", "Đám cưới ☃.wav"):
        (tmp_path / name).write_bytes(WAV)
        with film_input(tmp_path / name, None) as given:
            assert given.sound is not None
            given.title.encode()
            assert "\n" not in given.title
            assert given.text is None


def test_a_sound_from_standard_input_can_be_stored_while_the_command_runs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    give(monkeypatch, WAV)
    with film_input(Path("-"), None) as given:
        assert given.sound is not None
        given.sound.put(Store(str(tmp_path)))
        assert Store(str(tmp_path)).read_bytes(given.sound.name) == WAV


@pytest.mark.parametrize(("data", "words"), [(b"", "is empty"), (b"No sound. " * 99, "cannot be read as sound")])
def test_what_is_wrong_with_standard_input_is_said_of_it(
    monkeypatch: pytest.MonkeyPatch, data: bytes, words: str
) -> None:
    give(monkeypatch, data)
    with pytest.raises(InvalidInput, match=f"^standard input: {words}"), film_input(Path("-"), None):
        pass


def test_a_text_that_is_not_utf_8_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    give(monkeypatch, b"\xff\xfe\xfa")
    with pytest.raises(InvalidInput, match="^text: standard input is not UTF-8$"), film_input(None, "-"):
        pass


def test_a_file_with_a_text_is_its_chapters_and_its_title(tmp_path: Path) -> None:
    (tmp_path / "tale.txt").write_text("Chapter 1\n\nOne.\n\nChapter 2\n\nTwo.\n")
    with film_input(tmp_path / "tale.txt", None) as given:
        assert given.sound is None
        assert given.title == "tale"
        assert given.text is not None
        assert given.text.index("One.") < given.text.index("Two.")
