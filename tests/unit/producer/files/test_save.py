"""Each result is written as the files that it says it is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from producer.files.save import make_folder, save, write_text
from tasks.errors import InvalidInput, StoreError
from tasks.media import audio as sound
from tasks.messages import BookResult, ChapterResult, Film, TextSummaryResult, VideoResult
from tasks.store.artifacts import Store
from tests.unit.producer.files.conftest import RATE, artifact
from tests.unit.producer.files.test_pictures import archive


def chapter(store: Store, title: str, seed: int | None) -> ChapterResult:
    """A chapter with the sound of this seed; None: one of which nothing could be spoken."""
    audio = None if seed is None else artifact(store, seed)
    return ChapterResult(title=title, audio=audio, duration_s=1.0, paragraphs=1, parts=1, computed=1)


def test_one_sound_is_one_file_in_the_format_of_its_name(store: Store, tmp_path: Path) -> None:
    assert save(store, chapter(store, "One", 1), tmp_path / "out" / "one.flac", None) == [tmp_path / "out" / "one.flac"]
    assert sound.probe(tmp_path / "out" / "one.flac") == (RATE, RATE, 1)


def test_a_book_is_a_folder_of_numbered_files_of_what_has_a_sound(store: Store, tmp_path: Path) -> None:
    chapters = [chapter(store, "One", 1), chapter(store, "Two", None), chapter(store, "Three", 3)]
    written = save(store, BookResult(title="Book", chapters=chapters, duration_s=2.0), tmp_path / "book", "wav")
    assert [path.name for path in written] == ["01 - One.wav", "03 - Three.wav"]
    assert all(path.is_file() for path in written)


def test_a_summary_is_a_text_file_and_no_other_format(store: Store, tmp_path: Path) -> None:
    made = TextSummaryResult(text="Short.", artifact="x", levels=1, parts=1, computed=1, is_complete=True, is_cut=False)
    [path] = save(store, made, tmp_path / "short.txt", None)
    assert path.read_text() == "Short.\n"
    with pytest.raises(InvalidInput, match="format: 'wav' is not written for a text; it may be txt"):
        save(store, made, tmp_path / "short.wav", "wav")


def test_a_chapter_without_a_sound_cannot_be_saved_alone(store: Store, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="nothing in it can be spoken"):
        save(store, chapter(store, "One", None), tmp_path / "one.wav", None)
    assert not (tmp_path / "one.wav").exists()


def test_a_folder_or_file_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InvalidInput, match="-o: folder .*file/inside cannot be made"):
        make_folder(tmp_path / "file" / "inside")
    (tmp_path / "one.txt").mkdir()
    with pytest.raises(StoreError, match="one.txt cannot be written"):
        write_text("Words.", tmp_path / "one.txt")


def test_a_film_is_one_file_and_of_no_other_format(store: Store, tmp_path: Path) -> None:
    store.put_bytes("film/ab/a.mp4", b"film")
    film = Film(artifact="film/ab/a.mp4", width=64, height=64, frames=25, bytes=4)
    made = VideoResult(film=film, audio="sound/ab/a.wav", frames=25, stretches=1, computed=1)
    assert save(store, made, tmp_path / "new" / "film.mp4", None) == [tmp_path / "new" / "film.mp4"]
    assert (tmp_path / "new" / "film.mp4").read_bytes() == b"film"
    with pytest.raises(InvalidInput, match="format: 'avi' is not written for this; it may be mp4"):
        save(store, made, tmp_path / "film.avi", "avi")


def test_the_pictures_of_a_film_become_the_files_of_one_folder(store: Store, tmp_path: Path) -> None:
    names = [archive(store, f"film/ab/{n}.zip", {f"frame_{n:06d}.png": b"x"}) for n in range(3)]
    made = VideoResult(audio="sound/ab/a.wav", frames=3, stretches=3, computed=3, pictures="png", archives=names)
    written = save(store, made, tmp_path / "out", None)
    assert [path.name for path in written] == ["frame_000000.png", "frame_000001.png", "frame_000002.png"]
    assert all(path.is_file() for path in written)
    long = made.model_copy(update={"archives": None, "archives_ref": store.put_text(json.dumps(names))})
    assert save(store, long, tmp_path / "again", "png") == [tmp_path / "again" / path.name for path in written]
    with pytest.raises(InvalidInput, match="format: 'jpg' is not written for this; it may be png"):
        save(store, made, tmp_path / "out", "jpg")
