"""What the real espeak-ng makes of a text: every word, its numbers whole, its marks in their places."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from workers.adapters.kokoro.text import espeak
from workers.adapters.kokoro.text.espeak import EspeakG2P, around_latin
from workers.adapters.kokoro.text.tokens import Token

pytestmark = pytest.mark.usefixtures("model_packages")


def said(name: str, text: str) -> str:
    return "".join(token.phonemes for token in EspeakG2P(name)(text))


def test_marks_stay_where_they_were() -> None:
    assert said("es", 'Hola, señor! “Bien” —dijo— y "se" fue…') == "ˈola, seɲˈoɾ! “bjˈen” —dˈixo— i “sˈe” fwˈe…"
    assert said("fr-fr", "Oui ; c'est (lui)") == "wˈi ; sˈɛ (lyˈi)"


def test_numbers_are_whole_and_their_words_known() -> None:
    tokens = list(EspeakG2P("es")("El 3,5 y 1.000.000 a las 10:30."))
    assert "".join(token.text for token in tokens) == "El 3,5 y 1.000.000 a las 10:30."
    by_word = {token.text.strip(): token.phonemes.strip() for token in tokens}
    assert by_word["3,5"] == "tɾˈes koma θˈinko"
    assert by_word["1.000.000"] == "ˈunmiʝˈon"
    assert by_word["10:30"] == "ðjˈɛθ tɾˈAnta"


def test_words_that_flow_into_one_another_are_one_token() -> None:
    tokens = list(EspeakG2P("fr-fr")("1 000 000 francs, merci"))
    assert tokens[0] == Token("1 000 000 francs", "œ̃ miljˈɔ̃ fʁˈɑ̃")
    assert not tokens[0].is_one_word
    assert tokens[-1].is_one_word


@pytest.mark.parametrize("name", ["en-us", "es", "fr-fr", "it", "pt-br"])
def test_nothing_of_a_long_word_or_of_many_words_is_dropped(name: str) -> None:
    assert sum(map(said(name, "bana" * 200).count, "nŋ")) == 200
    assert len(said(name, "7 " * 310).split()) == 310
    spelt = len(said(name, "x" * 20))
    assert len(said(name, "x" * 1000)) == pytest.approx(50 * spelt, rel=0.1)


def test_a_word_that_could_overflow_espeaks_stack_is_never_said_at_once() -> None:
    asked: list[str] = []
    espeak.whole(lambda word: asked.append(word) or word, "a." * 200)  # type: ignore[func-returns-value]
    assert max(map(len, asked)) <= espeak.MOST_LETTERS
    assert said("en-us", "a." * 200).count("A") == 200


def test_english_without_spacy_keeps_each_comma_and_stop() -> None:
    assert said("en-us", "Hello, world. It's fine?") == "həlˈO, wˈɜːld. ɪts fˈIn?"


def test_the_copies_of_the_library_are_in_a_scratch_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with espeak.library_copies():
        inside = Path(tempfile.gettempdir())
    assert inside.name.startswith("slotline-scratch-")
    assert Path(tempfile.gettempdir()) != inside


def test_latin_words_are_said_and_the_rest_goes_to_the_other() -> None:
    found = around_latin(
        "用Windows 11和AT&T、β", lambda word: f"<{word}>", lambda rest: [Token(rest, rest)] if rest else []
    )
    assert list(found) == [
        Token("用", "用 "),
        Token("Windows ", "<Windows> "),
        Token("11和", "11和 "),
        Token("AT&T", "<AT&T> "),
        Token("、", "、 "),
        Token("β", "<β> "),
    ]


def test_a_language_that_is_opened_again_loads_no_further_copy_of_the_library() -> None:
    def copies() -> list[str]:
        mapped = Path("/proc/self/maps").read_text().splitlines()
        return sorted({line.split()[-1] for line in mapped if "espeak" in line})

    first = EspeakG2P("es")
    loaded = copies()
    del first
    assert EspeakG2P("es").say("hola")
    assert copies() == loaded != []
