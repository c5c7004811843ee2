"""Names that any file system takes, and that sort in order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.files.names import numbered_name, safe_name
from tasks.terminal.printable import printable


@given(st.text(st.characters(), max_size=400))
def test_any_title_becomes_a_name_that_a_file_can_have(title: str) -> None:
    name = numbered_name(7, title, 12, "wav")
    assert len(name.encode()) <= 255
    assert printable(name) == name, "nothing of it controls a terminal that lists the folder"
    assert not set(name) & set('/\\:*?"<>|\0\n')
    assert name.startswith("07")


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("A/B: what?", "A B what"),
        ("..", "untitled"),
        ("CON", "_CON"),
        ("Chương 1", "Chương 1"),
        ("a\x1b[2J\x9b\u202e\ud800\u2028b", "a [2J b"),
    ],
)
def test_titles_keep_what_file_systems_take(title: str, name: str) -> None:
    assert safe_name(title) == name


def test_names_sort_in_the_books_order() -> None:
    assert numbered_name(2, "Two", 120, "wav") == "002 - Two.wav"
    assert numbered_name(3, "", 9, "flac") == "03.flac"
