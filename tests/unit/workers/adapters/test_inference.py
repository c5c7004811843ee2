"""What authors of adapters import: files in inputs, what `prepare` and `length` are by default, and `read`."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pytest
from pydantic import Field, ValidationError

from tasks.catalog import ModelEntry, parse
from tasks.errors import ArtifactMissing, CatalogError, InvalidInput
from tasks.messages import InferRequest
from workers.adapters import built_in
from workers.adapters.inference import Data, File, InferenceAdapter, Input, Offer, Options

SMALL, LARGE = f"file/ab/{'a' * 64}.bin", f"file/cd/{'b' * 64}.bin"
STORED = {SMALL: b"abc", LARGE: b"abcdef"}


class Pictures(Input):
    first: Annotated[str, File(5)] | None = None
    others: list[Annotated[str, File()]] = Field(default_factory=list)


class Echo(InferenceAdapter):
    version = "1"
    input_model = Pictures

    def load(self) -> Offer:
        return Offer("1")

    def run(self, batch: Sequence[Any]) -> Sequence[Any]:
        return [Data(b"x", "image/png") for _ in batch]

    def unload(self) -> None:
        pass


def read(name: str) -> bytes:
    if name not in STORED:
        raise ArtifactMissing(f"artifact {name} is not in /store")
    return STORED[name]


@pytest.fixture
def adapter() -> Echo:
    made = Echo(ModelEntry(name="m", adapter="echo"), "cpu")
    made.read_artifact = read
    return made


def item(**fields: Any) -> InferRequest:
    request = InferRequest.parse({"model": "m", "input": fields})
    return request.model_copy(update={"input": Pictures(**fields)})


class Marked(Options):
    mark: str = "!"


class Loud(Echo):
    options_model = Marked


def test_keys_of_its_own_are_checked_and_by_default_there_are_none() -> None:
    (table,) = parse('[models.m]\nadapter = "echo"\nmark = "?"\n', "models.toml", Path()).values()
    assert Loud(table, "cpu").options == Marked(mark="?")
    with pytest.raises(CatalogError, match=r"line 1: \[models.m\] mark: the adapter 'echo' has no options of its own$"):
        Echo(table, "cpu")


def test_a_file_is_a_format_of_the_schema_and_the_name_of_an_artifact() -> None:
    properties = Pictures.model_json_schema()["properties"]
    assert properties["first"]["anyOf"][0] == {"format": "slotline-file", "most_bytes": 5, "type": "string"}
    assert properties["others"]["items"] == {"format": "slotline-file", "type": "string"}
    for wrong in ("../secret", "", "/etc/passwd", "file/x"):
        with pytest.raises(ValidationError, match="is not the name of an artifact"):
            Pictures(first=wrong)
    made = Pictures(first=SMALL, others=[LARGE])
    assert made.model_dump(mode="json") == {"first": SMALL, "others": [LARGE]}
    assert pickle.loads(pickle.dumps(made)) == made


def test_by_default_run_gets_the_input_and_its_length_is_that_of_its_json(adapter: Echo) -> None:
    asked = item(first=SMALL)
    assert adapter.prepare(asked) is asked.input
    assert adapter.length(asked) == len(asked.text())
    assert adapter.craft == "infer"


def test_a_file_is_read_within_its_limit_and_errors_name_the_field(adapter: Echo) -> None:
    asked = item(first=SMALL, others=[SMALL, LARGE])
    assert adapter.read(asked, asked.input.first) == adapter.read(asked, "first") == b"abc"
    assert adapter.read(asked, asked.input.others[1]) == adapter.read(asked, "others.1") == b"abcdef"
    asked = item(first=LARGE)
    with pytest.raises(InvalidInput, match=rf"^input.first: {LARGE} has 6 B; it may have 5 B at most$"):
        adapter.read(asked, asked.input.first)
    gone = SMALL.replace("a", "0")
    asked = item(first=SMALL, others=[SMALL, gone])
    with pytest.raises(InvalidInput, match=rf"^input.others.1: artifact {gone} is not in /store$"):
        adapter.read(asked, asked.input.others[1])
    for field in ("second", "others", "others.7", "others.x", "first.x"):
        with pytest.raises(InvalidInput, match=rf"^input.{field}: it names no file$"):
            adapter.read(asked, field)
    with pytest.raises(InvalidInput, match=r"^input.first: it names no file$"):
        adapter.read(item(), "first")


def test_a_files_limit_crosses_to_another_process(adapter: Echo) -> None:
    asked = pickle.loads(pickle.dumps(item(first=LARGE)))
    with pytest.raises(InvalidInput, match="5 B at most"):
        adapter.read(asked, asked.input.first)


class Tensor:
    """As torch has it."""

    def detach(self) -> Tensor:
        return self

    def tolist(self) -> list[int]:
        return [1, 2]


def test_a_tensor_never_crosses_to_the_other_process_and_an_array_does_as_it_is(adapter: Echo) -> None:
    array, numbers = np.zeros(3), [0.5] * 1000
    made = adapter.crossing({"a": [Tensor(), (Tensor(), "x")], "array": array, "numbers": numbers})
    assert made["numbers"] is numbers, "a long list is not copied for it"
    assert made["a"] == [[1, 2], [[1, 2], "x"]]
    assert made["array"] is array
    data = Data(b"x", "image/png")
    assert adapter.crossing(data) is data


def test_the_base_class_is_no_adapter_of_the_catalog() -> None:
    assert "inference" not in built_in()
