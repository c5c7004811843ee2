"""What of a text VietTTS is given: its numbers in words, its pieces, and a normaliser that never mixes up texts."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.adapters.viettts.normaliser import Normaliser
from workers.adapters.viettts.numbers import in_words
from workers.adapters.viettts.sentences import cut, sentences, without_special_tokens


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("0", "không"),
        ("5 10 11 15", "năm mười mười một mười lăm"),
        ("21 24 25 55", "hai mươi mốt hai mươi tư hai mươi lăm năm mươi lăm"),
        ("101 110 105", "một trăm linh một một trăm mười một trăm linh năm"),
        ("1941", "một nghìn chín trăm bốn mươi mốt"),
        ("2024", "hai nghìn không trăm hai mươi tư"),
        ("1.000.001", "một triệu không trăm linh một"),
        ("2.500.000", "hai triệu năm trăm nghìn"),
        ("3000000000", "ba tỷ"),
        ("0912", "không chín một hai"),
        ("3,5%", "ba phẩy năm phần trăm"),
        ("3,14 và 0,05", "ba phẩy mười bốn và không phẩy không năm"),
        ("hôm 12/8/2019.", "hôm mười hai tháng tám năm hai nghìn không trăm mười chín."),
        ("Chương 7: Bến sông", "Chương bảy: Bến sông"),
        ("không có số", "không có số"),
    ],
)
def test_a_number_is_read_as_it_is_said(written: str, said: str) -> None:
    assert in_words(written) == said


@given(st.integers(0, 10**21))
def test_no_digit_is_left_of_any_number(number: int) -> None:
    assert not any(character.isdigit() for character in in_words(f"a {number} b"))


@given(st.text("<|>viet ", max_size=40))
def test_nothing_that_opens_a_special_token_is_left(text: str) -> None:
    assert "<|" not in without_special_tokens(text)


@given(st.text("ab ,–", max_size=120), st.integers(1, 12))
def test_cutting_loses_no_letter_and_keeps_to_the_most_that_is_allowed(text: str, most: int) -> None:
    pieces = cut(text, len, most)
    assert "".join("".join(pieces).split()) == "".join(text.split())
    assert all(len(piece) <= most for piece in pieces)


def test_a_sentence_is_cut_at_its_commas_before_it_is_cut_between_words() -> None:
    def words(text: str) -> int:
        return len(text.split())

    assert cut("Hắn chửi trời, rồi hắn chửi đời, thế cũng chẳng sao", words, 5) == [
        "Hắn chửi trời,",
        "rồi hắn chửi đời,",
        "thế cũng chẳng sao",
    ]
    assert cut("a b c d e f", words, 4) == ["a b c d", "e f"]


def test_pieces_without_a_letter_are_left_out() -> None:
    split: Callable[[str], list[str]] = lambda text: text.split(";")  # noqa: E731
    assert sentences("a; — ;b", lambda text: text, split, len) == ["a", "b"]
    assert sentences("…", lambda text: text, split, len) == []


def stand_in(folder: Path) -> Path:
    """A program that keeps vinorm's way: reads `input.txt` where it runs, and writes `output.txt`, slowly."""
    for data in ("Dict", "Mapping", "RegexRule", "lib"):
        (folder / data).mkdir(parents=True)
    program = folder / "main"
    program.write_text(
        "#!/bin/sh\ntest -e Dict/. || exit 3\nread -r text < input.txt\nsleep 0.05\n"
        'printf "%s|%s#line##line#" "$text" "$*" > output.txt\n'
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return folder


OF_PROCESS = """
import sys
from pathlib import Path
from workers.adapters.viettts.normaliser import Normaliser
for number in range(8):
    print(Normaliser(Path(sys.argv[1]))(f"text {number} of {sys.argv[2]}", lower=False))
"""


def test_texts_normalised_at_once_by_threads_and_processes_are_never_swapped(tmp_path: Path) -> None:
    folder = stand_in(tmp_path / "vinorm")
    before = set(os.listdir(folder))
    commands = [[sys.executable, "-c", OF_PROCESS, str(folder), name] for name in ("one", "two")]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for command in commands]
    try:
        normaliser = Normaliser(folder)
        with ThreadPoolExecutor(8) as threads:
            said = list(threads.map(lambda number: normaliser(f"text {number}", lower=False), range(24)))
        assert said == [f"text {number}|-unknown. " for number in range(24)]
        for process, name in zip(processes, ("one", "two"), strict=True):
            lines = process.communicate(timeout=60)[0].splitlines()
            assert lines == [f"text {number} of {name}|-unknown. " for number in range(8)]
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    assert set(os.listdir(folder)) == before


def test_a_normaliser_that_fails_leaves_the_numbers_in_words(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = stand_in(tmp_path / "vinorm")
    (folder / "main").write_text("#!/bin/sh\nexit 9\n")
    assert Normaliser(folder)("Năm 7", lower=False) == "Năm bảy"
    assert "vinorm failed on «Năm 7»" in caplog.text


def test_vinorm_itself_says_the_same_from_many_processes_as_alone() -> None:
    normaliser = Normaliser.found()
    if normaliser.name != "vinorm":
        pytest.skip("vinorm is not installed (free for non-commercial use only: docs/models.md)")
    texts = [f"Năm {number} có 2.500.000 người." for number in range(1900, 1916)]
    alone = [normaliser(text, lower=False) for text in texts]
    assert alone[0].startswith("Năm một nghìn chín trăm có hai triệu năm trăm nghìn người")
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(lambda text: normaliser(text, lower=False), texts)) == alone
