"""Before anything is loaded: the import, the table and its options, packages, files."""

from __future__ import annotations

from pathlib import Path

from workers.conformance.home import MOST_CPU_S
from workers.conformance.step import Checking, LeftOut, Step, Wrong, megabytes

IMPORT = "import"
TABLE = "table and options"
PACKAGES = "packages"
FILES = "files"


def import_is_light(checking: Checking) -> str:
    """The class is found, and its import loads nothing heavy."""
    found = checking.slot.find()
    if found.heavy:
        raise Wrong(
            f"{found.place} imports {', '.join(found.heavy)} when it is imported; import that inside load, because"
            " the worker's main process imports the adapter, too, and then forks"
        )
    if found.cpu_s > MOST_CPU_S:
        raise Wrong(f"{found.place} takes {found.cpu_s:.1f} s of CPU to import; import what is large inside load")
    return f"{found.place}, {found.cpu_s:.2f} s, nothing heavy"


def table_and_options(checking: Checking) -> str:
    """The table is taken, with its options."""
    checking.table = made = checking.slot.make()
    entry = checking.entry
    return f"{entry.place or entry.name} adapter {entry.adapter} {made.version} ({made.craft})"


def packages(checking: Checking) -> str:
    """What the adapter imports is installed."""
    checking.slot.check_packages()
    return "none is missing"


def files(checking: Checking) -> str:
    """The model's files are there."""
    checking.slot.check_files()
    if checking.entry.path is None:
        raise LeftOut("the table has no path")
    path = Path(checking.entry.path)
    if "://" not in checking.entry.path and not path.exists():
        raise Wrong(f"path: there is no {path}")
    return f"{path}, {megabytes(size_of(path))}"


def size_of(path: Path) -> int:
    """The bytes of a file, or of all files in a folder."""
    found = [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
    return sum(one.stat().st_size for one in found)


STEPS = (
    Step(IMPORT, import_is_light),
    Step(TABLE, table_and_options),
    Step(PACKAGES, packages, (TABLE,)),
    Step(FILES, files, (TABLE,)),
)
