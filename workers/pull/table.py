"""The table of a pulled model in the catalog (`models.toml`): its text, and its addition to the catalog in use.

Guarantees: what stands in the file stays as it is, comments included; the new text is checked as a catalog before it
replaces the old one, in one step. The catalog that is installed with slotline is never changed: a copy in the current
folder is.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from tasks import catalog
from tasks.catalog import ModelEntry
from tasks.errors import CatalogError, SettingsError
from tasks.store.atomic import whole_file
from workers.pull.recipe import Recipe, Way


def text(recipe: Recipe, way: Way, target: Path) -> str:
    """The model's table in TOML."""
    keys = {**recipe.table, **way.table}
    lines = [f"[models.{recipe.name}]", f"adapter = {_value(keys.pop('adapter'))}", f"path = {_value(str(target))}"]
    return "\n".join([*lines, *(f"{key} = {_value(value)}" for key, value in keys.items())]) + "\n"


def check() -> None:
    """Raise `CatalogError` if the catalog in use cannot be read: said before a model is fetched, not after."""
    path = catalog.catalog_path()
    if path.exists():
        catalog.read(path)


def add(recipe: Recipe, way: Way, target: Path) -> str:
    """Add the model's table to the catalog in use if it has none of that name; one line that says what was done.

    Raises `CatalogError` if the catalog is broken, `SettingsError` if it cannot be written. The file is unchanged then.
    """
    path, original = _catalogs()
    try:
        with _one_at_a_time(path.parent):
            before = original.read_bytes()
            known = catalog.parse(_decoded(before), str(path), path.resolve().parent)
            if recipe.name in known:
                return _fit(recipe, way, known[recipe.name], target, path)
            added = _appended(before, text(recipe, way, target))
            _check(added, recipe.name, known, path)
            _replace(path, original, added)
    except OSError as exc:
        raise SettingsError(
            f"{path} cannot be written ({exc.strerror}); add the table by hand: "
            f"slotline model pull {recipe.name} --print shows it"
        ) from exc
    made = "" if original == path else f", a copy of {original} with it"
    return f"[models.{recipe.name}] was added to {path}{made}"


def _catalogs() -> tuple[Path, Path]:
    """The file to write, and the one whose content it gets: the same, if that is a user's own."""
    used = catalog.catalog_path()
    default = catalog.default_path()
    if used == default:
        return Path("models.toml").absolute(), default
    path = Path(os.path.realpath(used))  # a link stays one
    return path, path if path.exists() else default


def _decoded(content: bytes) -> str:
    return content.decode("utf-8-sig")


def _appended(before: bytes, table: str) -> bytes:
    """The content with the table behind it, in the ends of line that the file has."""
    ends = b"\r\n" if b"\r\n" in before else b"\n"
    gap = b"" if not before.strip() else ends if before.endswith(b"\n") else ends + ends
    return before + gap + table.encode().replace(b"\n", ends)


def _check(added: bytes, name: str, known: catalog.Catalog, path: Path) -> None:
    """Raise `CatalogError` if the new content is not the old catalog and one more model."""
    made = catalog.parse(_decoded(added), str(path), path.parent)
    if {one: entry.model_copy(update={"place": ""}) for one, entry in made.items() if one != name} != {
        one: entry.model_copy(update={"place": ""}) for one, entry in known.items()
    }:
        raise CatalogError(f"{path}: [models.{name}] cannot be added at its end; add it by hand (--print shows it)")


def _replace(path: Path, original: Path, content: bytes) -> None:
    with whole_file(path) as draft:
        draft.write_bytes(content)
        if path.exists():
            shutil.copymode(original, draft)
    catalog.read(path)
    catalog.catalog.cache_clear()


def _fit(recipe: Recipe, way: Way, entry: ModelEntry, target: Path, path: Path) -> str:
    """One line about a table of that name that is there."""
    wanted = {**recipe.table, **way.table, "path": str(target)}
    found = {**entry.options, **entry.model_dump(include=set(catalog.OWN_KEYS), exclude_none=True)}
    differs = [
        f"{key} = {_value(found[key]) if key in found else 'not set'}, here {_value(wanted[key])}"
        for key in ("adapter", "path", "engine", "file", "voice")
        if key in wanted and found.get(key) != wanted[key]
    ]
    if not differs:
        return f"[models.{recipe.name}] is in {path} and fits"
    return f"[models.{recipe.name}] is in {path} and was left alone, but differs: {'; '.join(differs)}"


@contextlib.contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Two pulls do not read and replace one catalog at once; the lock is on its folder, and leaves no file."""
    folder.mkdir(parents=True, exist_ok=True)
    opened = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield
    finally:
        os.close(opened)


def _value(value: object) -> str:
    """A value in TOML; raises `CatalogError` for a path that is not valid Unicode, which TOML cannot hold."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise CatalogError(f"{value!r} cannot be written to models.toml: its name is not UTF-8") from None
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return json.dumps(value)
