"""What the real misaki, jieba, cn2an and pypinyin make of Chinese."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from tasks.errors import InvalidInput
from tests.unit.workers.adapters.kokoro.symbols import VOCAB
from workers.adapters.kokoro.text.chinese import ChineseG2P
from workers.adapters.kokoro.text.phonemes import Phonemizer

pytestmark = pytest.mark.usefixtures("model_packages")


@pytest.fixture(scope="module")
def g2p(model_packages: None) -> ChineseG2P:
    return ChineseG2P()


def test_words_and_marks_are_misakis_own(g2p: ChineseG2P) -> None:
    from misaki.zh import ZHG2P

    for text in ("你好，世界！今天天气很好。", "小明和他的朋友；为什么？"):
        said = "".join(token.phonemes for token in g2p(text)).replace("\u032f", "")
        assert said.strip() == ZHG2P()(text)[0]


def test_numbers_dates_and_prices_are_said_and_keep_their_digits(g2p: ChineseG2P) -> None:
    by_text = {token.text: token.phonemes.strip() for token in g2p("2021年3月4日，100%的3.5 ¥50 007")}
    assert by_text["2021年3月4日"] == "ɚ↘li↗ŋɚ↘ i→njɛ↗n sa→nɥe↘ sɨ↘ɻɨ↘"
    assert by_text["3.5"] == "sa→ntjɛ↓n u↓"
    assert {"100%", "50", "元", "0", "7"} <= by_text.keys()


def test_marks_stand_beside_their_words(g2p: ChineseG2P) -> None:
    said = "".join(token.phonemes for token in g2p("他说：“好。”《书》（一）……走——吧"))
    assert said == "tʰa→ ʂwo→: “xau̯↓.” “ʂu→” (i→)…… ʦou̯↓—— pa "


def test_latin_words_are_english_ones(g2p: ChineseG2P) -> None:
    assert [token.phonemes for token in g2p("用Windows、好")] == ["jʊ↘ŋ ", "wˈɪndOz", ", ", "xau̯↓ "]


def test_a_character_without_a_reading_is_refused_and_not_left_out(model_packages: None) -> None:
    with pytest.raises(InvalidInput, match="«𠮷» has no known sound in Mandarin Chinese"):
        Phonemizer(VOCAB).pieces("z", "𠮷野家")


def test_no_cache_is_left_where_others_can_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import jieba

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    jieba.dt.initialized = False
    ChineseG2P()
    assert not list(tmp_path.rglob("jieba*"))
