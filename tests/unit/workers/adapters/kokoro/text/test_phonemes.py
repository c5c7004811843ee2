"""Texts through the real G2Ps: nothing is lost, and what cannot be spoken is refused by name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tasks.errors import InvalidInput, MissingExtra
from tests.unit.workers.adapters.kokoro.symbols import VOCAB
from workers.adapters.kokoro.text import languages, phonemes
from workers.adapters.kokoro.text.languages import LANGUAGES, Language
from workers.adapters.kokoro.text.phonemes import Phonemizer
from workers.adapters.kokoro.text.tokens import Token


@pytest.fixture(scope="module")
def phonemizer(model_packages: None) -> Phonemizer:
    return Phonemizer(VOCAB)


def said(phonemizer: Phonemizer, letter: str, text: str) -> str:
    pieces = phonemizer.pieces(letter, text)
    assert all(0 < len(piece.phonemes) <= 510 and VOCAB.keys() >= set(piece.phonemes) for piece in pieces)
    return " ".join(piece.phonemes for piece in pieces)


@pytest.mark.parametrize("apostrophe", ["'", "’", "‘", "ʼ", "＇"])
def test_curly_apostrophes_are_apostrophes(phonemizer: Phonemizer, apostrophe: str) -> None:
    assert said(phonemizer, "a", f"I don{apostrophe}t") == "ˌI dˈOnt"
    assert said(phonemizer, "f", f"l{apostrophe}homme") == "lˈɔm"


@pytest.mark.parametrize("letter", "abefhijpz")
def test_310_digits_are_each_spoken(phonemizer: Phonemizer, letter: str) -> None:
    one = said(phonemizer, letter, "7")
    assert said(phonemizer, letter, "7" * 310).split() == [one] * 310


@pytest.mark.parametrize("letter", "abefhijpz")
def test_emoji_are_left_out(phonemizer: Phonemizer, letter: str) -> None:
    word = {"h": "कमल", "j": "猫", "z": "猫"}.get(letter, "bravo")
    assert said(phonemizer, letter, f"😀 {word} 👍🏽❤️ 👨‍👩‍👧") == said(phonemizer, letter, word)
    with pytest.raises(InvalidInput, match="gives no sound in"):
        phonemizer.pieces(letter, "😀 👍🏽 ❤️")


@pytest.mark.parametrize("text", ["...", "!!! — ", "***", "( )", "\u200b"])
def test_a_text_without_a_sound_is_refused(phonemizer: Phonemizer, text: str) -> None:
    with pytest.raises(InvalidInput, match="gives no sound in American English"):
        phonemizer.pieces("a", text)


def test_injected_phonemes_are_text(phonemizer: Phonemizer) -> None:
    assert "xˈæk" not in said(phonemizer, "a", "[word](/xˈæk/) [x](2)")


def test_another_script_is_refused_before_any_g2p_is_loaded() -> None:
    with pytest.raises(InvalidInput, match=re.escape("«你» (Han) is not spoken in British English (voice bf_emma)")):
        Phonemizer({}).pieces("b", "Hello 你好", "bf_emma")


@pytest.mark.parametrize(
    ("letter", "sentence"),
    [
        ("a", "it was the best of times and it was the worst of times "),
        ("e", "en un lugar de la Mancha de cuyo nombre no quiero acordarme "),
        ("f", "longtemps je me suis couché de bonne heure, "),
        ("h", "एक समय की बात है "),
        ("i", "nel mezzo del cammin di nostra vita, "),
        ("j", "吾輩は猫である名前はまだ無い、"),
        ("p", "no meio do caminho tinha uma pedra "),
        ("z", "天地玄黄宇宙洪荒日月盈昃，"),
    ],
)
def test_of_a_long_text_without_a_stop_each_word_is_in_a_piece(
    phonemizer: Phonemizer, letter: str, sentence: str
) -> None:
    pieces = phonemizer.pieces(letter, sentence * 40)
    assert len(pieces) > 3
    assert "".join(" ".join(piece.text for piece in pieces).split()) == "".join((sentence * 40).split())
    once = len(said(phonemizer, letter, sentence).replace(" ", ""))
    assert sum(len(piece.phonemes.replace(" ", "")) for piece in pieces) == pytest.approx(40 * once, rel=0.02)
    assert all("".join(word.text for word in piece.words) == re.sub(r"[\s,、，]", "", piece.text) for piece in pieces)


def test_threads_get_the_same_phonemes_as_one(phonemizer: Phonemizer) -> None:
    texts = [f"Number {n} is not the number of {n * 7} horses." for n in range(60)]
    expected = [phonemizer.pieces("a", text) for text in texts]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(lambda text: phonemizer.pieces("a", text), texts)) == expected


def test_a_g2p_is_loaded_and_used_only_while_the_lock_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[bool] = []

    def g2p(text: str) -> Iterator[Token]:
        held.append(phonemes._LOCK.locked())
        yield Token(text, "a")
        held.append(phonemes._LOCK.locked())

    def load(language: Language) -> phonemes.G2P:
        held.append(phonemes._LOCK.locked())
        return g2p

    monkeypatch.setattr(phonemes, "_g2p", load)
    monkeypatch.setattr(languages, "find_spec", lambda name: object())
    Phonemizer(VOCAB).pieces("e", "a")
    assert held == [True, True, True]
    assert not phonemes._LOCK.locked()


def test_a_word_without_a_sound_is_named_and_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(languages, "find_spec", lambda name: object())
    monkeypatch.setattr(phonemes, "_g2p", lambda language: lambda text: [Token("a ", "a "), Token(text, "")])
    with pytest.raises(InvalidInput, match="«zz» has no known sound in Spanish"):
        Phonemizer(VOCAB).pieces("e", "zz")
    monkeypatch.setattr(phonemes, "_g2p", lambda language: lambda text: [Token("zz", "zж")])
    with pytest.raises(InvalidInput, match=re.escape("«zz» has a sound that Kokoro does not know (ж) in Spanish")):
        Phonemizer(VOCAB).pieces("e", "zz")


def test_a_language_whose_packages_lack_is_refused_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(languages, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"pip install 'slotline\[kokoro-fr\]'"):
        Phonemizer(VOCAB).open("f")


def test_the_version_names_what_determines_the_phonemes(model_packages: None) -> None:
    made_of = Phonemizer(VOCAB).version("a")
    assert re.match(r"\d+ misaki-[\d.]+ phonemizer-fork-[\d.]+ espeakng-loader-[\d.]+ spacy-.* en-core-web-sm", made_of)
    assert Phonemizer(VOCAB).version("e") != made_of
    assert all(Phonemizer(VOCAB).version(letter) for letter in LANGUAGES)
