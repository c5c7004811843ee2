"""The table of languages: what each lacks is found without an import, and named with its install command."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from tasks.errors import MissingExtra
from workers.adapters.kokoro.text import languages
from workers.adapters.kokoro.text.languages import LANGUAGES, language_of_voice, missing


def test_the_nine_languages_are_there_each_under_its_letter() -> None:
    assert "".join(LANGUAGES) == "abefhijpz"
    assert [LANGUAGES[letter].tag for letter in "abjz"] == ["en-us", "en-gb", "ja", "zh"]


def test_a_voices_language_is_its_first_letter() -> None:
    found = language_of_voice("jf_alpha")
    assert found
    assert found.name == "Japanese"
    assert language_of_voice("xx_nobody") is None
    assert language_of_voice("") is None


def test_what_lacks_is_named_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(languages, "find_spec", lambda name: None if name == "unidic_lite" else find_spec("os"))
    assert missing("a") is None
    assert missing("j") == "pip install 'slotline[kokoro-ja]'"
    with pytest.raises(MissingExtra, match=r"Japanese needs unidic_lite, .*; run: pip install 'slotline\[kokoro-ja\]'"):
        LANGUAGES["j"].require()
