"""What comes from outside, in the form that a terminal may print."""

from __future__ import annotations

import subprocess
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.terminal.printable import as_argument, counted, one_line, printable, shortened, size_in_words

FLOWER = "Chí Phèo — 志飘 🇻🇳 👩‍👧"


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_letters_of_any_language_stay_as_they_are(form: str) -> None:
    text = unicodedata.normalize(form, FLOWER)  # type: ignore[arg-type]
    assert printable(text) == text


@pytest.mark.parametrize(
    ("outside", "shown"),
    [
        ("\x1b[2Jgone", r"\x1b[2Jgone"),
        ("\x9b31mred", r"\x9b31mred"),
        ("bell\a", r"bell\x07"),
        ("over\rwritten", r"over\rwritten"),
        ("two\nlines", r"two\nlines"),
        ("\u202etxt.exe", r"\u202etxt.exe"),
        ("file\udcff.txt", r"file\udcff.txt"),
        ("a\u2028b", r"a\u2028b"),
        ("one\u00a0word, soft\u00adly", "one\u00a0word, soft\u00adly"),
    ],
)
def test_what_controls_a_terminal_is_escaped(outside: str, shown: str) -> None:
    assert printable(outside) == shown


@given(st.text(st.characters()))
def test_what_is_printed_can_be_encoded_and_controls_nothing(text: str) -> None:
    shown = printable(text)
    shown.encode()
    assert not any(unicodedata.category(one) in ("Cc", "Cs", "Zl", "Zp") for one in shown)


def test_a_text_of_several_lines_keeps_what_it_is_told_to() -> None:
    assert printable("one\n\ttwo\x1b", kept="\n\t") == "one\n\ttwo\\x1b"


def test_white_space_becomes_one_line_of_at_most_so_many_characters() -> None:
    assert one_line("  Some\n words\t here ") == "Some words here"
    assert shortened("Some\nwords", 10) == "Some words"
    assert shortened("Some words here", 10) == "Some word…"


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0 chapters"), (1, "1 chapter"), (2, "2 chapters"), (1200, "1,200 chapters")]
)
def test_one_is_not_several(number: int, words: str) -> None:
    assert counted(number, "chapter") == words
    assert counted(2, "summary", "summaries") == "2 summaries"


IDS = (
    "4f2c-9a",
    "$(echo ran)",
    "it's",
    "a b",
    "-x",
    "--all",
    "*",
    'q"b\\s',
    "tab\tend\nline",
    "\x1b[2J'",
    "\x9b31m",
    "\u202eabc",
    FLOWER,
    "~",
)


def test_a_shell_gets_an_argument_exactly_as_it_is_and_runs_nothing_of_it() -> None:
    words = " ".join(as_argument(one).removeprefix("-- ") for one in IDS)
    assert printable(words) == words
    got = subprocess.run(
        ["bash", "-c", f"printf '%s\\0' {words}"], capture_output=True, check=True, env={"LC_ALL": "C.UTF-8"}
    )
    assert got.stdout.decode().split("\0")[:-1] == list(IDS)
    assert as_argument("-x") == "-- -x"


def test_a_size_is_said_in_the_unit_that_keeps_it_short() -> None:
    sizes = [0, 512, 1024, 12_600, 256 * 1024, 3_250_000, 3 * 1024**3]
    assert list(map(size_in_words, sizes)) == ["0 B", "512 B", "1 KB", "12.3 KB", "256 KB", "3.1 MB", "3.0 GB"]
