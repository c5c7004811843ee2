"""What a table of the catalog is on this machine: its files, licence, packages; and which recipes have no table."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tasks.catalog import parse
from tasks.settings import settings
from workers.adapters import packages
from workers.adapters.rehearsal import Rehearsal
from workers.commands.model_rows import Row, There, available, row
from workers.pull import manifest
from workers.pull.manifest import FileRecord, Manifest
from workers.pull.recipe import PACKAGES, Recipe, RecipeFile, Way
from workers.slots.fitting import Fit, Machine

FIT = Fit(1, "cpu", "1 of 2 CPU slots free")
FILES = {"config.json": b"{}", "model.safetensors": b"weights", "tokenizer.json": b"{}"}
BART = Recipe("bart", "summaries", "MIT", (Way(PACKAGES, (RecipeFile("config.json"),), 1000),), {"adapter": "bart"})


def one(folder: Path, keys: str, verify: bool = False, recipe: Recipe | None = None) -> Row:
    (entry,) = parse(f"[models.m]\n{keys}", "models.toml", folder).values()
    return row(entry, recipe, lambda entry: FIT, verify)


def pulled(folder: Path, lacks: str = "") -> Path:
    """A BART's folder as a pull leaves it."""
    model = folder / "bart"
    model.mkdir()
    for name, content in FILES.items():
        (model / name).write_bytes(content)
    records = {name: FileRecord(bytes=len(FILES[name]), sha256=manifest.sha256_of(model / name)) for name in FILES}
    made = Manifest(recipe="bart", source="hub", licence="Apache-2.0", lacks=lacks, files=records)
    (model / manifest.NAME).write_text(made.model_dump_json())
    return model


BART_TABLE = 'adapter = "bart"\npath = "bart"'


def test_a_pulled_model_is_whole_with_its_size_and_the_licence_that_was_recorded(tmp_path: Path) -> None:
    model = pulled(tmp_path)
    found = one(tmp_path, BART_TABLE, recipe=BART)
    assert (found.there, found.why, found.source, found.licence) == (There.WHOLE, "", "hub", "Apache-2.0")
    assert found.size_bytes == sum(path.stat().st_size for path in model.iterdir())


def test_a_file_of_another_size_is_found_at_once_and_another_content_by_verifying(tmp_path: Path) -> None:
    model = pulled(tmp_path)
    (model / "model.safetensors").write_bytes(b"weightz")
    assert one(tmp_path, BART_TABLE).there is There.WHOLE
    verified = one(tmp_path, BART_TABLE, verify=True)
    assert (verified.there, verified.why.split()[0]) == (There.NOT_WHOLE, "model.safetensors")
    (model / "model.safetensors").write_bytes(b"")
    assert one(tmp_path, BART_TABLE).there is There.NOT_WHOLE


def test_a_folder_that_no_pull_made_is_there_when_its_adapter_lacks_nothing(tmp_path: Path) -> None:
    assert one(tmp_path, BART_TABLE).there is There.MISSING
    model = pulled(tmp_path)
    (model / manifest.NAME).unlink()
    assert one(tmp_path, BART_TABLE).there is There.THERE
    assert (one(tmp_path, BART_TABLE).licence, one(tmp_path, BART_TABLE, recipe=BART).licence) == ("", "MIT")
    (model / "tokenizer.json").unlink()
    found = one(tmp_path, BART_TABLE)
    assert found.there is There.NOT_WHOLE
    assert found.why.startswith(f"{model} has no tokenizer")


def test_what_a_whole_model_lacks_is_said_with_its_folder(tmp_path: Path) -> None:
    model = pulled(tmp_path, lacks="no English voice: tar x -C {folder}")
    found = one(tmp_path, BART_TABLE)
    assert (found.there, found.why) == (There.WHOLE, f"no English voice: tar x -C {model}")


def test_an_adapter_without_weights_has_the_licence_of_its_library(tmp_path: Path) -> None:
    found = one(tmp_path, 'adapter = "espeak"')
    assert (found.there, found.size_bytes, found.licence) == (There.NO_WEIGHTS, None, "GPL-3.0-or-later")


def test_a_wrong_table_says_why_and_hides_no_other(tmp_path: Path) -> None:
    found = one(tmp_path, 'adapter = "espeek"')
    assert found.there is There.WRONG
    assert "line 1: [models.m] adapter: there is no adapter 'espeek'; did you mean 'espeak'?" in found.why
    assert found.fields()["packages"] is None


@pytest.mark.parametrize(("device", "extra"), [("cuda", "onnx-gpu"), ("cpu", "onnx"), ("", "onnx")])
def test_what_lacks_is_what_a_slot_here_would_need_on_its_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, device: str, extra: str
) -> None:
    monkeypatch.setattr(packages, "find_spec", lambda name: None)
    (entry,) = parse('[models.m]\nadapter = "kokoro"\npath = "kokoro"', "models.toml", tmp_path).values()
    found = row(entry, None, lambda entry: Fit(1, device, ""), verify=False)
    assert found.install.endswith(f"not installed; run: pip install 'slotline[{extra}]'")


def test_an_adapter_that_fails_before_its_devices_are_known_fits_nowhere_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def raise_it(*_: object) -> None:
        raise AttributeError("no such thing here")

    monkeypatch.setattr(Rehearsal, "__init__", raise_it)
    (entry,) = parse('[models.m]\nadapter = "rehearsal"', "models.toml", tmp_path).values()
    found = row(entry, None, Machine.looked_at(None, settings()).fit, verify=False)
    assert (found.there, found.fit) == (There.WRONG, Fit(0, "", "__init__: AttributeError: no such thing here"))


FAULTS = {
    "__init__": (There.WRONG, "__init__: AttributeError: no such thing here"),
    "check_files": (There.NOT_WHOLE, "check_files: AttributeError: no such thing here"),
    "check_packages": (There.NO_WEIGHTS, "check_packages: AttributeError: no such thing here"),
}


@pytest.mark.parametrize("method", FAULTS)
def test_a_fault_of_an_adapters_own_code_costs_its_own_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    def raise_it(*_: object) -> None:
        raise AttributeError("no such thing\nhere")

    monkeypatch.setattr(Rehearsal, method, raise_it)
    found = one(tmp_path, 'adapter = "rehearsal"')
    assert (found.there, found.why or found.install) == FAULTS[method]


def test_a_fault_of_what_tells_a_registrys_models_costs_its_own_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def raise_it(path: Path) -> bool:
        raise AttributeError("no such thing")

    (tmp_path / "voices" / "anna").mkdir(parents=True)
    monkeypatch.setattr(Rehearsal, "is_model", staticmethod(raise_it))
    found = one(tmp_path, 'adapter = "rehearsal"\npath = "voices/{id}"')
    assert (found.there, found.why) == (There.NOT_WHOLE, "is_model: AttributeError: no such thing")


def test_packages_that_lack_are_named_with_their_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    found = one(tmp_path, 'adapter = "espeak"')
    assert found.install == "espeakng_loader is not installed; run: pip install 'slotline[espeak]'"
    assert found.fields()["packages"] == {"installed": False, "why": found.install}


def test_of_a_table_of_many_models_those_that_are_there_are_counted(tmp_path: Path) -> None:
    table = 'adapter = "rehearsal"\npath = "voices/{id}/a.bin"'
    assert one(tmp_path, table).there is There.MISSING
    for name in ("anna", "bert"):
        (tmp_path / "voices" / name).mkdir(parents=True)
        (tmp_path / "voices" / name / "a.bin").write_bytes(b"1234")
    (tmp_path / "voices" / "empty").mkdir()
    found = one(tmp_path, table)
    assert (found.there, found.why, found.size_bytes) == (There.THERE, "2 models", 8)


def test_of_a_table_of_faces_the_audio_encoder_beside_them_is_not_counted(tmp_path: Path) -> None:
    (tmp_path / "faces" / "anna" / "frames").mkdir(parents=True)
    (tmp_path / "faces" / "audio_encoder.onnx").write_bytes(b"1234")
    assert one(tmp_path, 'adapter = "lipsync"\npath = "faces/{id}"').why == "1 model"


def test_recipes_without_a_table_are_available_and_say_whether_their_files_are_here(tmp_path: Path) -> None:
    (absent,) = available({"bart": BART}, {}, tmp_path)
    assert (absent.is_here, absent.size_bytes, absent.command) == (False, 1000, "slotline model pull bart")
    pulled(tmp_path)
    (here,) = available({"bart": BART}, {}, tmp_path)
    assert (here.is_here, here.size_bytes) == (True, 0)
    assert available({"bart": BART}, {"bart": None}, tmp_path) == []
