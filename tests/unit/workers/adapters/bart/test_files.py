"""The files of a BART's folder: what lacks is named, and others are ignored."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.errors import ModelLoadError
from workers.adapters.bart import files


def test_what_lacks_is_named_until_all_is_there(tmp_path: Path) -> None:
    for name, said in (("config.json", "lacks"), ("pytorch_model.bin", "no weights"), ("vocab.json", "no tokenizer")):
        with pytest.raises(ModelLoadError, match=rf"^here path: .*{said}.*{name}.*get it with"):
            files.require(tmp_path, "here")
        (tmp_path / name).write_text("{}")
    files.require(tmp_path, "here")


def test_other_files_in_the_folder_do_not_belong_to_the_model(tmp_path: Path) -> None:
    for name in ("model.safetensors", "config.json", "README.md", "tf_model.h5"):
        (tmp_path / name).write_text("{}")
    assert [path.name for path in files.of(tmp_path)] == ["config.json", "model.safetensors"]
