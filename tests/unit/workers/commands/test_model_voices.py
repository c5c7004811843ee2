"""`slotline model voices`: all that is published, by model and language; and what a person reads when nothing is."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import redis
from click.testing import CliRunner, Result

from tasks.errors import InvalidInput, SlotlineError, UnknownModel
from tasks.offers import Offers, Published
from tests.fixtures.environment import UseCatalog
from workers.commands.model import model

Voices = Callable[..., Result]

TABLES = "".join(f'[models.{name}]\nadapter = "rehearsal"\n' for name in ("small", "large", "mute", "silent", "faces"))
SMALL = Published(
    "small", "rehearsal", "1", 24_000, {"zoe": "en-gb", "ann": "en-us", "aoi": "ja", "amy": "en-us"}, "ann"
)
LARGE = Published("large", "rehearsal", "1", 24_000, {"hà": "vi"})
MUTE = Published("mute", "rehearsal", "1", 0)
FACES = Published("faces", "rehearsal", "", None, {"anna": "und"}, craft="lipsync", is_registry=True)


@pytest.fixture
def voices(use_catalog: UseCatalog, redis_client: redis.Redis) -> Voices:
    """`voices(*words)`: the command's result, where four of five models were loaded once."""
    use_catalog(TABLES)
    for offer in (SMALL, LARGE, MUTE, FACES):
        Offers(redis_client).publish(offer)
    return lambda *words: CliRunner().invoke(model, ["voices", *words])


def lines(result: Result) -> list[list[str]]:
    assert result.exception is None
    return [line.split() for line in result.output.splitlines()]


def test_all_voices_stand_by_model_and_language_and_the_default_one_first(voices: Voices) -> None:
    assert lines(voices()) == [
        ["model", "language", "voices"],
        ["large", "vi", "hà"],
        ["small", "en-gb", "zoe"],
        ["small", "en-us", "ann", "(default),", "amy"],
        ["small", "ja", "aoi"],
    ]


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (("small",), ["zoe", "amy", "ann", "aoi"]),
        (("--language", "en"), ["zoe", "amy", "ann"]),
        (("small", "--language", "EN_US"), ["amy", "ann"]),
        (("large",), ["hà"]),
    ],
)
def test_a_model_or_a_language_is_chosen(voices: Voices, words: tuple[str, ...], names: list[str]) -> None:
    found = json.loads(voices(*words, "--json").output)["voices"]
    assert [one["voice"] for one in found] == names
    assert [one["voice"] for one in found if one["default"]] == [name for name in names if name == "ann"]


@pytest.mark.parametrize(
    ("words", "error", "said"),
    [
        (("small", "--language", "fr"), InvalidInput, "no voice for 'fr'; there are voices for en-gb, en-us, ja"),
        (("silent",), SlotlineError, "no worker of silent has told its voices yet; start one with: slotline up"),
        (("mute",), InvalidInput, "mute: no list of voices"),
        (("faces",), InvalidInput, "faces: does not speak, so it has no voices"),
        (("smal",), UnknownModel, "did you mean 'small'?"),
    ],
)
def test_what_is_not_there_is_named(voices: Voices, words: tuple[str, ...], error: Any, said: str) -> None:
    with pytest.raises(error, match=said.replace("?", r"\?")):
        _raise(voices(*words))


def _raise(result: Result) -> None:
    assert result.exception is not None
    raise result.exception


def test_a_first_user_hears_that_no_worker_has_told_anything(voices: Voices, redis_client: redis.Redis) -> None:
    redis_client.flushdb()
    with pytest.raises(SlotlineError, match="no worker has told its voices yet; start one with: slotline up --model"):
        _raise(voices())
