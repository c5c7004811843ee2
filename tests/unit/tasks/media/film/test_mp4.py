"""Film in fragments, each whole when it is written, and film in a file that begins with its table of contents."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from tasks.media.film.join import FilmWriter
from tasks.media.film.mp4 import Mp4File, Mp4Fragments, _boxes
from tests.unit.tasks.media.film.films import WriteOnly, as_file, click_at, seen, stretch


def kinds(film: bytes) -> list[bytes]:
    return [kind for kind, _ in _boxes(film)]


def test_a_fragmented_film_can_be_shown_up_to_the_stretch_that_was_added_last(tmp_path: Path) -> None:
    sound, out = click_at(tmp_path / "a.wav", 0.5, 3, 16_000), WriteOnly()
    with FilmWriter(as_file(out), sound, fragmented=True) as film:
        for number in range(3):
            film.add(stretch(10 * number, 10))
            assert kinds(out.data) == [b"ftyp", b"moov", *[b"moof", b"mdat"] * (number + 1)]
            now = seen(out.data)
            assert now.shows(*range(10 * (number + 1)))
            assert now.times_ms == [40 * frame for frame in range(10 * (number + 1))]
    assert abs(seen(out.data).onset_s - 0.5) < 0.002


def test_a_file_begins_with_its_table_of_contents(tmp_path: Path) -> None:
    with FilmWriter(tmp_path / "a.mp4", None, fragmented=False) as film:
        film.add(stretch(0, 10))
        about = film.finish()
    data = (tmp_path / "a.mp4").read_bytes()
    assert kinds(data)[:2] == [b"ftyp", b"moov"]
    assert about.bytes == len(data)


def test_fragments_may_go_to_a_file_by_its_path(tmp_path: Path) -> None:
    with FilmWriter(tmp_path / "a.mp4", None, fragmented=True) as film:
        film.add(stretch(0, 10))
        assert seen(tmp_path / "a.mp4").shows(*range(10)), "it grows while it is written"
        assert film.finish().bytes == (tmp_path / "a.mp4").stat().st_size


def test_nothing_is_written_before_the_first_stretch_and_closing_twice_is_no_error(tmp_path: Path) -> None:
    for out in (Mp4File(tmp_path / "a", None), Mp4Fragments(tmp_path / "b", None)):
        out.close()
        out.close()
    assert list(tmp_path.iterdir()) == []


def test_a_whole_film_needs_a_path() -> None:
    with pytest.raises(TypeError, match="needs the path of a file"):
        FilmWriter(io.BytesIO(), None, fragmented=False)
