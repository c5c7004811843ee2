"""The command `slotline model voices`: which voices the models have, in which language.

Reads what workers have published in Redis of their models when they were loaded; asks no worker. It is known as long
as the record of an ended job is kept. Exit status: 0 when a voice was found, 1 when no worker has published any yet,
2 for bad input.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from tasks.catalog import catalog
from tasks.errors import InvalidInput, SlotlineError
from tasks.exit_codes import DONE
from tasks.messages.lookup import crafts
from tasks.offers import Offers
from tasks.redis import broker
from tasks.settings import settings
from tasks.terminal.table import print_table

if TYPE_CHECKING:
    from redis import Redis

    from tasks.offers import Published

START = "start one with: slotline up --model {}; with --lazy they are known when the first job has loaded the model"


@dataclass(frozen=True)
class Voice:
    """One voice of a model; `language` is a tag such as `en-gb`, or `und` where it is not known."""

    model: str
    voice: str
    language: str
    default: bool


@click.command()
@click.argument("model", required=False)
@click.option("--language", metavar="TAG", help="Only voices of this language, such as en or en-gb.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def voices(model: str | None, language: str | None, as_json: bool) -> int:
    """List the voices of MODEL, or of all models, by language."""
    with broker.connected(settings().broker_url) as client:
        offers = _offers(client, model)
    found = chosen(voices_of(offers), language)
    if as_json:
        click.echo(json.dumps({"voices": [vars(one) for one in found]}, ensure_ascii=False))
    else:
        print_table(("model", "language", "voices"), rows(found), wrapped={"voices"})
    return DONE


def voices_of(offers: Iterable[Published]) -> list[Voice]:
    """All voices of these offers, by model, language and name. Pure."""
    found = [
        Voice(offer.model, name, language, name == offer.default_voice)
        for offer in offers
        for name, language in offer.voices.items()
    ]
    return sorted(found, key=lambda one: (one.model, one.language, one.voice))


def chosen(found: Sequence[Voice], language: str | None) -> list[Voice]:
    """The voices of a language; `en` is also `en-gb`. Pure. Raises `InvalidInput` that names the languages."""
    if language is None:
        return list(found)
    wanted = language.lower().replace("_", "-")
    fit = [one for one in found if wanted in (one.language.lower(), one.language.lower().partition("-")[0])]
    if not fit:
        there = ", ".join(sorted({one.language for one in found}))
        raise InvalidInput(f"--language: there is no voice for {language!r}; there are voices for {there}")
    return fit


def rows(found: Iterable[Voice]) -> list[tuple[str, str, str]]:
    """A row for each model and language: its voices, the default one first. Pure."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for one in found:
        names = grouped.setdefault((one.model, one.language), [])
        if one.default:
            names.insert(0, f"{one.voice} (default)")
        else:
            names.append(one.voice)
    return [(*key, ", ".join(names)) for key, names in grouped.items()]


def _speaks(offer: Published) -> bool:
    """Whether a request for this model may name a voice, as far as it is known: a face is no voice."""
    craft = crafts().get(offer.craft)
    return craft is None or "voice" in craft.request.model_fields


def _offers(client: Redis, model: str | None) -> list[Published]:
    """What is published of that model, or of all that are in the catalog; raises if it has no voices."""
    offers = Offers(client)
    published = [one for name in ([model] if model else catalog()) if (one := offers.published(name))]
    found = [one for one in published if _speaks(one)]
    if model and not published:
        entry = catalog()[model]
        raise SlotlineError(f"no worker of {entry.name} has told its voices yet; {START.format(entry.name)}")
    if model and not found:
        raise InvalidInput(f"{model}: does not speak, so it has no voices")
    if not found:
        raise SlotlineError(f"no worker has told its voices yet; {START.format('NAME')}")
    if not any(offer.voices for offer in found):
        raise InvalidInput(f"{', '.join(offer.model for offer in found)}: no list of voices")
    return found
