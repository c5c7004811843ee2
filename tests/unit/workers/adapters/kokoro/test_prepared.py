from __future__ import annotations

import pickle

from workers.adapters.kokoro.prepared import Piece, PreparedText, Word


def test_a_prepared_text_crosses_to_another_process_and_knows_all_its_phonemes() -> None:
    pieces = (Piece("Hi, you.", "hˈaɪ, ju.", (Word("Hi,", 0, 5), Word("you.", 6, 9))), Piece("Yes.", "jˈɛs."))
    ready = PreparedText("af_heart(2)+bf_emma(1)", 1.25, pieces)
    assert pickle.loads(pickle.dumps(ready)) == ready
    assert ready.phonemes == "hˈaɪ, ju.jˈɛs."
