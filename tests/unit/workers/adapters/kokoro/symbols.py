"""Kokoro's vocabulary, the 114 symbols of its `config.json` (Apache-2.0), with numbers of their own."""

from __future__ import annotations

SYMBOLS = (
    ';:,.!?—…"()“” \u0303ʣʥʦʨᵝꭧAIOQSTWYᵊabcdefhijklmnopqrstuvwxyz'
    "ɑɐɒæβɔɕçɖðʤəɚɛɜɟɡɥɨɪʝɯɰŋɳɲɴøɸθœɹɾɻʁɽʂʃʈʧʊʋʌɣɤχʎʒʔˈˌːʰʲ↓→↗↘ᵻ"
)
VOCAB = {symbol: number for number, symbol in enumerate(SYMBOLS, 1)}
