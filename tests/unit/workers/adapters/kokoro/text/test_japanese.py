"""What the real misaki, MeCab and unidic-lite make of Japanese."""

from __future__ import annotations

import pytest

from tasks.errors import InvalidInput
from tests.unit.workers.adapters.kokoro.symbols import VOCAB
from workers.adapters.kokoro.text.japanese import JapaneseG2P
from workers.adapters.kokoro.text.phonemes import Phonemizer

pytestmark = pytest.mark.usefixtures("model_packages")


@pytest.fixture(scope="module")
def g2p(model_packages: None) -> JapaneseG2P:
    return JapaneseG2P()


def test_words_and_marks_are_misakis_own(g2p: JapaneseG2P) -> None:
    from fugashi import Tagger
    from misaki import cutlet
    from unidic_lite import DICDIR

    own = cutlet.Cutlet.__new__(cutlet.Cutlet)
    own.tagger, own.table, own.exceptions = Tagger(f'-r "{DICDIR}/mecabrc" -d "{DICDIR}"'), dict(cutlet.HEPBURN), {}
    for text in (
        "吾輩は猫である。名前はまだ無い。",
        "学校に行った、「はい」と言いました！",
        "どこで生れたか見当がつかぬ",
    ):
        assert "".join(token.phonemes for token in g2p(text)).strip() == own(text)[0]


def test_a_number_is_read_with_its_counter_and_keeps_its_digits(g2p: JapaneseG2P) -> None:
    tokens = list(g2p("2021年、20歳、300円"))
    assert [token.text for token in tokens] == ["2021", "年", "、", "20歳", "、", "300", "円"]
    assert tokens[0].phonemes == "ɲiseɴ ɲiʥɨːiʨi "
    assert tokens[5].phonemes == "sambʲakɯ "


def test_a_long_number_and_leading_zeros_are_said(g2p: JapaneseG2P) -> None:
    (token,) = g2p("12345678901")
    assert token.phonemes.startswith("çakɯ ɲiʥɨːsaɴ okɯ")
    assert [token.phonemes for token in g2p("007")] == ["ʣeɾo ", "ʣeɾo ", "nana "]


@pytest.mark.timeout(60)  # misaki alone: many minutes
def test_a_long_text_sounds_as_its_sentences_do(g2p: JapaneseG2P) -> None:
    sentence = "昔々、ある所に、お爺さんと「お婆さん」が住んでいました。"
    once, often = list(g2p(sentence)), list(g2p(sentence * 140))
    assert [token.text for token in often] == [token.text for token in once] * 140
    assert "".join(token.phonemes for token in often) == "".join(token.phonemes for token in once) * 140


def test_latin_words_are_english_ones(g2p: JapaneseG2P) -> None:
    assert [(token.text, token.phonemes) for token in g2p("Windowsで")] == [("Windows", "wˈɪndOz "), ("で", "de ")]


def test_a_character_without_a_reading_is_refused_and_not_left_out(model_packages: None) -> None:
    with pytest.raises(InvalidInput, match="«靐» has no known sound in Japanese"):
        Phonemizer(VOCAB).pieces("j", "これは靐です")
