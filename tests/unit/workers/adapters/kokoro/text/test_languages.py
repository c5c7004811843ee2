"""The table of languages: what each lacks is found without an import, and named with its install command."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import requires
from importlib.util import find_spec
from pathlib import Path

import pytest

from tasks.errors import MissingExtra
from workers.adapters.kokoro.text import languages
from workers.adapters.kokoro.text.languages import LANGUAGES, language_of_voice, missing

PYPROJECT = Path(__file__).resolve().parents[6] / "pyproject.toml"
NAME = re.compile(r"[A-Za-z0-9._-]+")
NEEDS_MORE = {"torch", "unidic", "spacy-curated-transformers", "kokoro"}
"""Gigabytes, or a dictionary that is another download and that fugashi would take instead of unidic-lite's."""


def required(requirements: list[str], extras: dict[str, list[str]]) -> set[str]:
    """The distributions that these requirements install, with all that those require themselves."""
    found: set[str] = set()
    waiting = list(requirements)
    while waiting:
        requirement = waiting.pop()
        if own := re.match(r"slotline\[([\w,-]+)\]", requirement):
            waiting += [each for extra in own[1].split(",") for each in extras[extra]]
            continue
        name = NAME.match(requirement)
        assert name
        assert not requirement.startswith(("misaki[", "spacy[")), f"{requirement} brings more than is needed"
        if name[0].lower() not in found:
            found.add(name[0].lower())
            waiting += [each for each in requires(name[0]) or [] if ";" not in each]
    return found


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


@pytest.mark.parametrize("letter", LANGUAGES)
def test_no_languages_extra_brings_torch_or_a_dictionary_to_download(letter: str, model_packages: None) -> None:
    extras = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    installed = required(extras[LANGUAGES[letter].extra], extras)
    assert not installed & NEEDS_MORE
    own = {name.replace("_", "-").replace("phonemizer", "phonemizer-fork") for name in LANGUAGES[letter].packages}
    assert installed >= own
