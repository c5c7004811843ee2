"""docker-compose.yml against the Compose specification's own schema, and against slotline's own names."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tasks.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "docker-compose.yml"


def compose() -> dict[str, Any]:
    """The file's content, its merge keys resolved."""
    content: dict[str, Any] = YAML(typ="safe", pure=True).load(COMPOSE.read_text(encoding="utf-8"))
    return content


def check(path: Path) -> subprocess.CompletedProcess[str]:
    """What `make check` runs."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(path)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_the_compose_file_follows_the_specification() -> None:
    done = check(COMPOSE)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_wrong_key_in_a_compose_file_is_found(tmp_path: Path) -> None:
    wrong = tmp_path / "docker-compose.yml"
    wrong.write_text(COMPOSE.read_text(encoding="utf-8").replace("restart:", "restrat:"), encoding="utf-8")
    assert check(wrong).returncode == 1


def test_every_variable_that_compose_sets_is_one_of_slotlines() -> None:
    known = {field.alias for field in Settings.model_fields.values()}
    for name in ("flow", "slot", "flower"):
        assert set(compose()["services"][name]["environment"]) <= known


def test_the_services_are_the_documented_ones() -> None:
    services = compose()["services"]
    assert set(services) == {"redis", "flow", "slot", "flower"}
    assert services["flow"]["command"][:6] == ["celery", "-A", "workers", "worker", "-Q", "flow"]
    assert services["slot"]["command"][:5] == ["celery", "-A", "workers", "worker", "--model"]
    assert services["flower"]["command"][:4] == ["celery", "-A", "workers", "flower"]


@pytest.mark.parametrize("name", ["flow", "slot"])
def test_workers_share_one_store_and_are_given_time_to_drain(name: str) -> None:
    service = compose()["services"][name]
    folder = service["environment"]["SLOTLINE_STORE_URL"]
    assert any(folder.startswith(volume.split(":")[1]) for volume in service["volumes"])
    drain_s = Settings.model_fields["drain_s"].default
    assert float(service["stop_grace_period"].removesuffix("s")) > drain_s


def test_the_catalog_and_the_weights_that_are_pulled_outlive_a_container() -> None:
    image = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    for name in ("flow", "slot"):
        mounted = {volume.split(":")[1] for volume in compose()["services"][name]["volumes"]}
        assert "/models" in mounted
    # A new volume begins with what the image has there: the default catalog, owned by the image's user.
    assert "COPY --chown=slotline:slotline models.toml /models/models.toml" in image
    assert "SLOTLINE_MODELS=/models/models.toml" in image
    assert "XDG_DATA_HOME=/models" in image
    assert "models" in compose()["volumes"]


@pytest.mark.parametrize("path", [ROOT / "Dockerfile", COMPOSE], ids=["image", "compose"])
def test_every_extra_that_an_image_is_built_with_exists(path: Path) -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    named = re.findall(r"EXTRAS(?:=|:-)([a-z0-9,-]+)", path.read_text(encoding="utf-8"))
    assert {one for names in named for one in names.split(",")} <= set(extras)


def test_jobs_outlive_a_restart_of_redis() -> None:
    command = compose()["services"]["redis"]["command"]
    assert command[command.index("--appendonly") + 1] == "yes"
