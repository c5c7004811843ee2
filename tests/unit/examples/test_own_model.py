"""The example of a model of one's own, without a slot: its answers are Magika's own, alone and in batches."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from tasks.catalog import ModelEntry
from tasks.errors import InvalidInput
from tasks.messages import InferRequest
from tests.fixtures.own_model import filetype
from workers.adapters.base import AnyAdapter
from workers.sidecar.crafts.base import KnownModel
from workers.sidecar.crafts.infer import CRAFT

pytestmark = pytest.mark.usefixtures("model_packages")

ENTRY = ModelEntry(name="filetype", adapter="filetype")
EXACT = 1e-6


@pytest.fixture(scope="module")
def files() -> Mapping[str, bytes]:
    """Real files by their names in the store."""
    return {f"file/{number:02}/{number:064x}.bin": content for number, content in enumerate(filetype.contents(80))}


@pytest.fixture(scope="module")
def known(files: Mapping[str, bytes]) -> KnownModel:
    """The model, loaded."""
    adapter = filetype.module().FileType(ENTRY, "cpu")
    adapter.read_artifact = files.__getitem__
    return KnownModel(ENTRY, adapter, adapter.load())


def answers(known: KnownModel, inputs: Sequence[Any]) -> list[Any]:
    """What it answers to one batch."""
    requests = [InferRequest.parse({"model": "filetype", "input": one}) for one in inputs]
    adapter: AnyAdapter = known.adapter
    return list(adapter.run([adapter.prepare(CRAFT.ready(known, request)) for request in requests]))


def test_alone_and_in_batches_its_answers_are_magikas_own(known: KnownModel, files: Mapping[str, bytes]) -> None:
    inputs = [{"file": name} for name in files]
    together = [answer for at in range(0, len(inputs), 16) for answer in answers(known, inputs[at : at + 16])]
    assert filetype.differences(together, list(files.values())) == []
    alone = [answers(known, [one])[0] for one in inputs]
    assert filetype.differences(alone, list(files.values()), EXACT) == []
    assert len({answer["label"] for answer in together}) > 10


def test_a_text_is_what_a_file_of_it_would_be_and_one_of_both_must_be_given(
    known: KnownModel, files: Mapping[str, bytes]
) -> None:
    text = "import os\n\n\nclass Shelf:\n    def __init__(self):\n        self.books = []\n"
    assert answers(known, [{"text": text}])[0]["label"] == "python"
    for given in ({}, {"text": text, "file": next(iter(files))}):
        with pytest.raises(InvalidInput, match="^input: give either file or text$"):
            answers(known, [given])
    with pytest.raises(InvalidInput, match="^input.text: "):
        answers(known, [{"text": 3}])


def test_it_is_short_and_its_package_names_the_adapter() -> None:
    code = [path.read_text("utf-8").splitlines() for path in filetype.EXAMPLE.glob("**/*.py")]
    assert sum(map(len, code)) <= 60
    project = tomllib.loads((filetype.EXAMPLE / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["entry-points"]["slotline.adapters"] == {"filetype": "slotline_filetype:FileType"}
    table = tomllib.loads((filetype.EXAMPLE / "models.toml").read_text("utf-8"))["models"]["filetype"]
    assert table["adapter"] == "filetype"
