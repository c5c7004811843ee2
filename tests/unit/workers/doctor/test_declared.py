"""What slotline declares: the same from its pyproject.toml and from an installed package."""

from __future__ import annotations

import tomllib
from importlib import metadata
from pathlib import Path

from workers.doctor.declared import PROJECT, declared, of_distribution, of_project


class Installed(metadata.Distribution):
    """A package as pip has recorded it."""

    def __init__(self, text: str) -> None:
        self._text = text

    def read_text(self, filename: str) -> str | None:
        return self._text if filename == "METADATA" else None

    def locate_file(self, path: object) -> Path:
        raise NotImplementedError


METADATA = """Metadata-Version: 2.4
Name: slotline
Version: 1
Classifier: Programming Language :: Python :: 3.11
Classifier: Topic :: Other
Requires-Dist: celery[redis]~=5.7.0
Requires-Dist: nowhere; sys_platform == 'amiga'
Requires-Dist: onnxruntime>=1.18; extra == 'onnx'
Requires-Dist: slotline[onnx]; extra == 'both'
Requires-Dist: av>=17; extra == 'both'
Requires-Dist: pytest; extra == 'test'
Provides-Extra: onnx
Provides-Extra: both
Provides-Extra: test
"""

PROJECT_TABLE = """
name = "slotline"
classifiers = ["Programming Language :: Python :: 3.11", "Topic :: Other"]
dependencies = ["celery[redis]~=5.7.0", "nowhere; sys_platform == 'amiga'"]
[optional-dependencies]
onnx = ["onnxruntime>=1.18"]
both = ["slotline[onnx]", "av>=17"]
test = ["pytest"]
"""


def test_an_installed_package_and_a_checkout_say_the_same() -> None:
    for found in (of_distribution(Installed(METADATA)), of_project(tomllib.loads(PROJECT_TABLE))):
        assert found.pythons == ("3.11",)
        assert [str(one) for one in found.dependencies] == ["celery[redis]~=5.7.0"]
        assert list(found.extras) == ["onnx", "both"], "extras for developers are left out"
        assert [one.name for one in found.needs_of("both")] == ["onnxruntime", "av"]
        assert found.needs_of("nothing") == []


def test_this_slotline_declares_what_its_pyproject_says() -> None:
    found = declared()
    project = tomllib.loads(PROJECT.read_text("utf-8"))["project"]
    assert {"celery", "redis", "packaging"} <= {one.name for one in found.dependencies}
    assert set(found.extras) < set(project["optional-dependencies"])
    assert {one.name for one in found.needs_of("lipsync")} == {"av", "opencv-python-headless"}
    assert "misaki" in {one.name for one in found.needs_of("kokoro-fr")}
