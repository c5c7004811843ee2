"""The environment of registries' programs: they ask this test's server, and nothing of this machine's configuration."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.fixtures.pull.web import Web


@pytest.fixture
def registries(web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Web:
    """pip's index is `web.url`/simple, npm's registry is `web.url`; neither has files of settings."""
    for name in list(os.environ):
        if name.upper().startswith(("PIP_", "NPM_CONFIG_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", f"{web.url}/simple")
    monkeypatch.setenv("NPM_CONFIG_USERCONFIG", str(tmp_path / "npmrc"))
    monkeypatch.setenv("NPM_CONFIG_GLOBALCONFIG", str(tmp_path / "global-npmrc"))
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", web.url)
    return web
