"""What is installed, against what slotline declares."""

from __future__ import annotations

import platform
from importlib import metadata

import pytest
from packaging.requirements import Requirement

from tests.unit.workers.doctor.conftest import said
from workers.adapters import hardware
from workers.doctor.declared import Declared
from workers.doctor.packages import of_extras, of_libraries, of_python

HERE = platform.python_version()


def declared(*dependencies: str, pythons: tuple[str, ...] = (), **extras: str) -> Declared:
    split = {name.replace("_", "-"): tuple(map(Requirement, needs.split("; "))) for name, needs in extras.items()}
    return Declared(pythons, tuple(map(Requirement, dependencies)), split)


def test_a_python_that_was_tested_is_fine_and_another_is_noted() -> None:
    python, slotline = said(of_python(declared(pythons=(HERE.rpartition(".")[0],))))
    assert python == f"✓ Python {HERE}"
    assert slotline.startswith("✓ slotline 0.")
    assert said(of_python(declared(pythons=("3.5", "3.6"))))[0] == (
        f"– Python {HERE}: slotline was tested with 3.5, 3.6 only"
    )


def test_libraries_within_the_tested_bounds_are_one_line() -> None:
    celery, redis = metadata.version("celery"), metadata.version("redis")
    found = said(of_libraries(declared("celery[redis]>=5", "redis>=7", "click>=8")))
    assert found == [f"✓ libraries celery {celery}, redis {redis}: versions that were tested"]


def test_a_library_that_lacks_or_is_another_version_is_a_line_with_the_command_that_mends_it() -> None:
    redis, click = metadata.version("redis"), metadata.version("click")
    assert said(of_libraries(declared("celery>=5", "redis<7", "click<8", "no-such-package>=1"))) == [
        f"✗ libraries redis {redis} is installed; slotline was tested with <7 only → pip install 'redis<7'",
        f"✗ libraries click {click} is installed; slotline needs <8 → pip install 'click<8'",
        "✗ libraries no-such-package is not installed → pip install 'no-such-package>=1'",
    ]


def test_each_extra_is_installed_or_has_the_command_that_installs_it() -> None:
    click = metadata.version("click")
    found = declared(here="click>=8", old="click<8", absent="no-such-package", half_there="click; no-such-package")
    assert said(of_extras(found, "cpu")) == [
        f"✓ extra here: installed (click {click})",
        f"– extra old: click {click} is installed, and it needs <8 → pip install 'slotline[old]'",
        "– extra absent: not installed → pip install 'slotline[absent]'",
        "– extra half-there: not installed (no-such-package) → pip install 'slotline[half-there]'",
    ]


def test_both_builds_of_onnx_runtime_at_once_are_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "_is_installed", lambda distribution: True)
    assert said(of_extras(declared(), "cuda:0")) == [
        "✗ extras onnxruntime and onnxruntime-gpu are both installed and overwrite each other → pip uninstall -y "
        "onnxruntime onnxruntime-gpu && pip install 'slotline[onnx-gpu]'"
    ]
