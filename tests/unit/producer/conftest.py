"""What the tests of the producer share: a catalog, and the `slotline` command in this process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tasks.catalog import catalog
from tasks.command import main
from tasks.settings import settings

CATALOG = """
[models.quick]
adapter = "rehearsal"
voices = ["anna", "bert"]

[models.slow]
adapter = "rehearsal"
seconds = 1.0

[models.faulty]
adapter = "rehearsal"
faults = true

[models.espeak]
adapter = "espeak"
voice = "en-us"
"""


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    status: int
    out: str
    err: str


@pytest.fixture
def catalog_file(tmp_path: Path, own_environment: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A catalog of rehearsals and espeak, for this process and those that the test starts."""
    path = tmp_path / "models.toml"
    path.write_text(CATALOG)
    monkeypatch.setenv("SLOTLINE_MODELS", str(path))
    settings.cache_clear()
    catalog.cache_clear()
    return path


@pytest.fixture
def slotline(capfd: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """`slotline("read", "x.txt")`: runs the command in this process."""

    def run(*arguments: str | Path) -> Said:
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        printed = capfd.readouterr()
        return Said(int(ended.value.code or 0), printed.out, printed.err)

    return run
