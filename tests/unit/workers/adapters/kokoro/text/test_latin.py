"""Latin words between other ones are found, said on their own, and kept apart from their neighbours."""

from __future__ import annotations

from workers.adapters.kokoro.text.latin import around_latin
from workers.adapters.kokoro.text.tokens import Token


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
