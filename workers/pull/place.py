"""Where models lie on this machine, and where a pull works: paths only, nothing is made here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tasks.settings import data_home

WORK = ".pull"
"""The folder for what is being fetched, in the models folder: so a rename puts it in place."""


def models_folder() -> Path:
    """This user's folder of models: `$XDG_DATA_HOME/slotline/models`, by default `~/.local/share/slotline/models`."""
    return data_home() / "models"


@dataclass(frozen=True)
class Place:
    """The paths of one model in a models folder."""

    folder: Path
    name: str

    @property
    def target(self) -> Path:
        """The model's own folder."""
        return self.folder / self.name

    @property
    def work(self) -> Path:
        """What a pull of this model has made so far."""
        return self.folder / WORK / self.name

    @property
    def hub_lock(self) -> Path:
        """The commit and the digests of the files that came from the hub; beside the folder, so that it outlives it."""
        return self.folder / f"{self.name}.hub.json"

    @property
    def lock(self) -> Path:
        """Held by the process that pulls this model."""
        return self.folder / WORK / f"{self.name}.lock"
