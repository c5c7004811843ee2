"""The files of a BART's folder: those that a load needs, and those that belong to the model. Reads none of them."""

from __future__ import annotations

from pathlib import Path

from workers.adapters import weights

GET_THEM = "get it with: slotline model pull bart-large-cnn"
FILES = ("config.json",)
WEIGHTS = ("model.safetensors", "pytorch_model.bin", "model.safetensors.index.json", "pytorch_model.bin.index.json")
TOKENIZER = ("tokenizer.json", "vocab.json", "spiece.model")
SUFFIXES = frozenset((".json", ".safetensors", ".bin", ".model", ".txt"))


def require(folder: Path, place: str) -> None:
    """Raise `ModelLoadError` without a configuration, without weights or without a tokenizer."""
    weights.require(folder, FILES, place, GET_THEM)
    for kind, names in (("weights", WEIGHTS), ("tokenizer", TOKENIZER)):
        weights.require_one(folder, kind, names, place, GET_THEM)


def of(folder: Path) -> list[Path]:
    """The files of the model; other files in the folder are ignored."""
    return sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES and path.is_file())
