"""What is said of the catalog's models."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.unit.workers.doctor.conftest import said
from workers.doctor.models import of_models
from workers.slots.fitting import Fit


@dataclass(frozen=True)
class Row:
    """A table as `slotline model list` sees it."""

    name: str
    why: str = ""
    install: str = ""
    is_in_order: bool = True
    fit: Fit = field(default_factory=lambda: Fit(2, "cpu", "2 of 2 CPU slots free"))


SOUND = Row("espeak")
ON_GPU = Row("bart", fit=Fit(0, "cuda", "gpu0: 1 GB free"))
WITHOUT_FILES = Row("kokoro", "there is nothing at /k", "onnxruntime is not installed; run: pip", is_in_order=False)
NO_GPU = Row("faces", "", fit=Fit(0, "", "MODEL_DEVICE=cuda: there is no GPU"))


def test_each_model_is_a_line_and_what_lacks_is_wrong() -> None:
    assert said(of_models([SOUND, ON_GPU, WITHOUT_FILES, NO_GPU], "/models.toml", is_chosen=True)) == [
        "✓ catalog /models.toml",
        "✓ model espeak: files and packages are there; it runs on the CPU",
        "✓ model bart: files and packages are there; it runs on a GPU",
        "✗ model kokoro: there is nothing at /k; onnxruntime is not installed; run: pip",
        "✗ model faces: MODEL_DEVICE=cuda: there is no GPU",
    ]


def test_in_the_catalog_that_comes_with_slotline_what_is_not_installed_is_no_fault() -> None:
    catalog, line = said(of_models([WITHOUT_FILES], "/models.toml", is_chosen=False))
    assert catalog == "✓ catalog /models.toml, which comes with slotline"
    assert line.startswith("– model kokoro: ")


def test_a_wrong_table_is_said_once() -> None:
    wrong = Row("x", "no adapter", is_in_order=False, fit=Fit(0, "", "no adapter"))
    assert said(of_models([wrong], "/m", is_chosen=True))[1] == "✗ model x: no adapter"
