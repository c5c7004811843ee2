"""Nothing reaches Kokoro that its vocabulary does not have, and no sound is dropped on the way."""

from __future__ import annotations

import pytest

from tests.unit.workers.adapters.kokoro.symbols import VOCAB
from workers.adapters.kokoro.text.vocabulary import NEAREST, UNKNOWN, UnknownSymbol, fit


@pytest.mark.parametrize(
    ("phonemes", "expected"),
    [
        ("həlˈO, wˈɜɹld.", "həlˈO, wˈɜɹld."),
        ("gat", "ɡat"),
        ("bˈʌtl\u0329", "bˈʌtᵊl"),
        ("d\u032a", "d"),
        ("h\u0169", "hu\u0303"),
        ("¿kˈe tˈal?", "kˈe tˈal?"),
        ("a  b ", "a b "),
        ("a+b", "ab"),
    ],
)
def test_a_symbol_that_the_model_lacks_becomes_the_nearest(phonemes: str, expected: str) -> None:
    assert fit(phonemes, VOCAB) == expected


@pytest.mark.parametrize("symbol", ["你", "7", "ж", UNKNOWN])
def test_a_sound_without_a_symbol_is_named_and_never_dropped(symbol: str) -> None:
    with pytest.raises(UnknownSymbol, match=symbol):
        fit(f"a{symbol}b", VOCAB)


def test_what_stands_for_another_symbol_is_in_the_vocabulary() -> None:
    assert VOCAB.keys() >= set("".join(NEAREST.values()))
    assert not VOCAB.keys() & NEAREST.keys()
