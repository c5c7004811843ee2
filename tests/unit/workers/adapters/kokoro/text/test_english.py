"""What the real misaki makes of English with spaCy's model."""

from __future__ import annotations

import pytest

from workers.adapters.kokoro.text import english
from workers.adapters.kokoro.text.english import EnglishG2P, spacy_model
from workers.adapters.kokoro.text.tokens import Token

pytestmark = pytest.mark.usefixtures("model_packages")


@pytest.fixture(scope="module")
def g2p(model_packages: None) -> EnglishG2P:
    model = spacy_model()
    assert model
    return EnglishG2P(model, is_british=False)


def said(g2p: EnglishG2P, text: str) -> str:
    return "".join(token.phonemes for token in g2p(text))


def test_words_have_the_sound_that_their_place_asks_for(g2p: EnglishG2P) -> None:
    assert said(g2p, "Don't read it; I read it yesterday.") == "dˈOnt ɹˈid ɪt; ˌI ɹˈɛd ɪt jˈɛstəɹdˌA."


def test_a_sign_belongs_to_its_number(g2p: EnglishG2P) -> None:
    assert next(iter(g2p("$3.50, ¥5"))) == Token("$3.50", "θɹˈi dˈɑləɹz ænd fˈɪfti sˈɛnts")
    assert said(g2p, "¥5 and ₹1,200.") == "fˈIv jˈɛn ænd wˈʌn θˈWzᵊnd tˈu hˈʌndɹəd ɹupˈiz."


def test_what_misaki_drops_is_said_by_espeak(g2p: EnglishG2P) -> None:
    assert said(g2p, "00 007") == "zˈɪɹO zˈɪɹO zˈɪɹO zˈɪɹO sˈɛvən"
    assert said(g2p, "at 05:30") == "æt fˈIv θˈɜɹTi"
    assert "ɪts jˈʊɹɹOz" in said(g2p, "— $5. ' it's€ 5")


def test_a_word_that_no_lexicon_has_is_said_by_espeak(g2p: EnglishG2P) -> None:
    assert said(g2p, "blorft zxq") == "blˈɔɹft zˌiˌɛkskjˈu"


def test_nothing_of_a_long_word_is_dropped(g2p: EnglishG2P) -> None:
    assert said(g2p, "bana" * 200).count("n") == 200


@pytest.mark.timeout(60)  # of a word that misaki gets whole: hours
def test_a_word_of_thousands_of_parts_is_said_in_a_time_that_grows_with_it(g2p: EnglishG2P) -> None:
    assert said(g2p, "Hi" + "." * 1000 + "there").endswith("ðˈɛɹ")
    assert said(g2p, "1-" * 150).count("ʌn") == 150


def test_a_word_that_overflows_espeaks_stack_is_said_in_parts(g2p: EnglishG2P) -> None:
    assert said(g2p, "Hi" + "a." * 200 + "there").count("A") >= 199


def test_a_chain_of_words_is_cut_between_them(g2p: EnglishG2P) -> None:
    chain = "never—" * 20
    assert [token.text for token in g2p(chain)] == ["never", "—"] * 20
    assert said(g2p, "I don't—" * 20).count("dˈOnt") == 20


def test_markup_with_phonemes_is_not_obeyed(g2p: EnglishG2P) -> None:
    assert said(g2p, "[word](/zˈiz/)").startswith("wˈɜɹd slˈæʃ zˈi")


def test_british_english_is_another_one() -> None:
    model = spacy_model()
    assert model
    assert said(EnglishG2P(model, is_british=True), "car park") == "kˈɑː pˈɑːk"


def test_without_spacy_or_its_model_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(english, "find_spec", lambda name: None if name == "spacy" else object())
    assert spacy_model() is None
    monkeypatch.setattr(english, "find_spec", lambda name: None if name.startswith("en_core") else object())
    assert spacy_model() is None
