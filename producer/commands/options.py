"""The options that several commands share."""

from __future__ import annotations

import click

from tasks.media.audio import FORMATS

DEFAULT_MODEL = "espeak"

model = click.option("--model", default=DEFAULT_MODEL, show_default=True, help="A model of the catalog.")
voice = click.option("--voice", help="A voice of the model; without it, one that speaks the text's language.")
speed = click.option("--speed", default=1.0, show_default=True, help="0.25 to 4.")
format = click.option("--format", type=click.Choice(FORMATS), help="The files' format.")
