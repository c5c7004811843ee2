"""The command `slotline model pull`: fetches a model by its recipe, and adds its table to the catalog.

With `--print` and `--offline` it fetches and changes nothing. Exit status: 0 the model is there and whole, 1 it is not,
2 bad input, 130 Ctrl-C: what was fetched whole by then is kept for the next pull.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import click

from tasks import catalog
from tasks.errors import MissingExtra, ModelLoadError
from tasks.exit_codes import DONE, FAILED
from tasks.terminal.interrupt import Interrupt
from tasks.terminal.printable import counted, one_line, printable
from workers.adapters import adapter_of
from workers.pull import table
from workers.pull.installed import Installed, State, look
from workers.pull.place import Place, models_folder
from workers.pull.recipe import SOURCES, Recipe, Way
from workers.pull.recipes import RECIPES, recipe_named

_NAMES = ", ".join(RECIPES)


@click.command(help=f"Fetch the model NAME ({_NAMES}) and add its table to models.toml.")
@click.argument("name")
@click.option("--source", type=click.Choice(SOURCES), help="Fetch from there only, not from all in order.")
@click.option("--print", "only_print", is_flag=True, help="Print the table and the files; change nothing.")
@click.option("--offline", is_flag=True, help="Say of each file whether it is there and whole; fetch nothing.")
@click.option("--into", type=click.Path(path_type=Path), help="The folder of models, in which NAME becomes a folder.")
@click.option("--update", is_flag=True, help="Take the hub's newest files in place of those that are locked.")
@click.option("--no-table", is_flag=True, help="Fetch only, and leave models.toml as it is.")
def pull(
    name: str, source: str | None, only_print: bool, offline: bool, into: Path | None, update: bool, no_table: bool
) -> int:
    """See `help` above."""
    recipe = recipe_named(name)
    ways = recipe.ways_of(source)
    if not ways:
        raise click.UsageError(f"--source {source}: {name} is not there; it is at: {', '.join(_sources_of(recipe))}")
    place = Place(_absolute(into or models_folder()), recipe.name)
    if only_print:
        click.echo(printable(printed(recipe, ways[0], place), kept="\n"), nl=False)
        return DONE
    if offline:
        return _say_state(recipe, ways[0], place)
    return _pull(recipe, place, source, update, not no_table)


def printed(recipe: Recipe, way: Way, place: Place) -> str:
    """The table, with what the model is and where its files lie as comments: the whole can be added to a catalog."""
    files = [f"#   {file.path}" + (f" ({file.bytes:,} bytes)" if file.bytes else "") for file in way.files]
    files += [f"#   {pattern.replace('|', ' or ')}" for pattern in way.patterns]
    size = f", {way.bytes / 1e6:,.0f} MB in files" if way.bytes else ""
    fetched = f"{way.download_bytes / 1e6:,.0f} MB to fetch" if way.download_bytes else "size not known"
    head = [
        f"# {recipe.name}: {recipe.what}",
        f"# licence: {recipe.licence}; {fetched}{size}",
        f"# sources, in order: {', '.join(_sources_of(recipe))}",
        f"# files in {place.target}:",
        *files,
    ]
    return "\n".join(head) + "\n" + table.text(recipe, way, place.target)


def _pull(recipe: Recipe, place: Place, source: str | None, update: bool, adds_table: bool) -> int:
    from workers.pull.progress import display, megabytes
    from workers.pull.pull import Pull, way_of
    from workers.pull.sources import sources

    if adds_table:
        table.check()
    with Interrupt(), display() as report:
        pulled = Pull(recipe, place, sources(update), report, source, update).run()
    made = pulled.manifest
    found = "fetched from" if pulled.is_new else "is there and whole, from"
    click.echo(
        printable(f"{recipe.name}: {found} {made.source}; {megabytes(made.bytes)} in {place.target} ({made.licence})")
    )
    if source not in (None, made.source):
        click.echo(printable(f"{recipe.name}: not fetched from {source}, because it is whole; --update does that"))
    if made.lacks:
        click.echo(printable(f"{recipe.name}: {made.lacks_in(place.target)}"), err=True)
    way = way_of(recipe, made)
    if adds_table:
        click.echo(printable(f"{recipe.name}: {table.add(recipe, way, place.target)}"))
    for line in _still_lacking(recipe, way, place):
        click.echo(printable(f"{recipe.name}: {line}"))
    return DONE


def _still_lacking(recipe: Recipe, way: Way, place: Place) -> Iterator[str]:
    """What else the model needs before it can be loaded: packages, or files that are a person's own."""
    entry = catalog.parse(table.text(recipe, way, place.target), "", place.folder)[recipe.name]
    adapter = adapter_of(entry, "cpu")
    try:
        adapter.check_packages()
    except MissingExtra:
        yield f"what it needs is not installed: {way.install or recipe.install}"
    try:
        adapter.check_files()
    except ModelLoadError as exc:
        yield str(exc).removeprefix(entry.place).strip()


def _say_state(recipe: Recipe, way: Way, place: Place) -> int:
    """Each file of the model, and whether it is there and whole."""
    found = look(place.target)
    for path, what in _file_lines(found, way):
        click.echo(one_line(f"{path}: {what}"))
    click.echo(one_line(f"{recipe.name}: {_verdict(found, way, place)}"))
    return DONE if found.state is State.WHOLE else FAILED


def _file_lines(found: Installed, way: Way) -> list[tuple[str, str]]:
    if found.manifest is None:
        return [(path, "missing") for path in (*(file.path for file in way.files), *way.patterns)]
    faults = {fault.path: fault.what for fault in found.faults}
    return [(path, faults.get(path, "whole")) for path in sorted(found.manifest.files)]


def _verdict(found: Installed, way: Way, place: Place) -> str:
    match found.state:
        case State.WHOLE if found.manifest:
            return (
                f"whole in {place.target} ({counted(len(found.manifest.files), 'file')}, from {found.manifest.source})"
            )
        case State.BROKEN:
            return f"not whole in {place.target}; slotline model pull {place.name} mends it"
        case State.FOREIGN:
            return f"{place.target} has files that slotline model pull did not put there; they were not looked at"
        case _:
            return f"not in {place.target}; slotline model pull {place.name} fetches {way.download_bytes / 1e6:,.0f} MB"


def _sources_of(recipe: Recipe) -> list[str]:
    return list(dict.fromkeys(way.source for way in recipe.ways))


def _absolute(folder: Path) -> Path:
    return Path(os.path.abspath(folder.expanduser()))
