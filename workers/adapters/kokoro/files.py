"""The files of a Kokoro model's folder: which one has the weights, and the vocabulary in `config.json`.

Reads `config.json` only, and loads no weights. Each error names the file, and how to get it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tasks.errors import ModelLoadError
from workers.adapters import weights
from workers.adapters.hardware import one_line

USUAL = {"onnx": "model.onnx", "torch": "kokoro-v1_0.pth"}
"""Engine -> the usual name of its weights. Its suffix is that of the engine's files."""

CONFIG = "config.json"


@dataclass(frozen=True)
class ModelFiles:
    """The weights and Kokoro's own configuration, and the id of each symbol in it."""

    weights: Path
    config: Path
    vocabulary: Mapping[str, int]

    @property
    def both(self) -> tuple[Path, Path]:
        """The files that determine what the model says of given phonemes."""
        return self.weights, self.config


def get_them(engine: str) -> str:
    """The command that fetches the files of this engine."""
    return f"get it with: slotline model pull kokoro{'-torch' if engine == 'torch' else ''}"


def find(folder: Path, engine: str, file: str, place: str) -> ModelFiles:
    """The files of the model; raises `ModelLoadError` with the one that is missing, empty or broken."""
    weights.require(folder, (), place, get_them(engine))
    name = file or _only(folder, engine, place)
    weights.require(folder, (name, CONFIG), place, get_them(engine))
    config = folder / CONFIG
    return ModelFiles(folder / name, config, _vocabulary(config, place))


def _only(folder: Path, engine: str, place: str) -> str:
    """The name of the one file of weights in the folder; the usual name if there is none."""
    found = sorted(path.name for path in folder.glob(f"*{Path(USUAL[engine]).suffix}") if path.is_file())
    if len(found) > 1:
        raise ModelLoadError(
            f"{place} file: {folder} has {', '.join(found)}; name the one to load in the table's option `file`"
        )
    return found[0] if found else USUAL[engine]


def _vocabulary(config: Path, place: str) -> dict[str, int]:
    """Symbol -> id; raises `ModelLoadError` if the file is not Kokoro's."""
    try:
        found = json.loads(config.read_text(encoding="utf-8"))
        vocabulary = {str(symbol): int(number) for symbol, number in found["vocab"].items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as exc:
        why = "has no `vocab`" if isinstance(exc, KeyError) else one_line(exc)
        raise ModelLoadError(f"{place} path: {config} is not Kokoro's config.json: {why}") from exc
    if len(set(vocabulary.values())) < len(vocabulary) or not all(len(symbol) == 1 for symbol in vocabulary):
        raise ModelLoadError(f"{place} path: {config} is not Kokoro's config.json: each symbol needs an id of its own")
    return vocabulary
