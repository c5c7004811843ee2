"""npm's settings, read as npm reads them."""

from __future__ import annotations

import ssl
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from workers.pull.packages.npmrc import REGISTRY, Npmrc, parse


@pytest.fixture
def own(tmp_path: Path) -> dict[str, str]:
    """An environment whose files of settings are this test's."""
    return {"NPM_CONFIG_USERCONFIG": str(tmp_path / "user"), "npm_config_globalconfig": str(tmp_path / "global")}


def test_without_settings_it_is_the_public_registry(own: dict[str, str], tmp_path: Path) -> None:
    settings = Npmrc.of(own, tmp_path)
    assert (settings.registry, settings.authorization) == (REGISTRY, "")


def test_the_variable_comes_before_the_projects_file_then_the_users_then_the_machines(
    own: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "global").write_text("registry=http://global/\n")
    assert Npmrc.of(own, tmp_path).registry == "http://global"
    (tmp_path / "user").write_text("registry = http://user/npm/\n")
    assert Npmrc.of(own, tmp_path).registry == "http://user/npm"
    (tmp_path / ".npmrc").write_text('registry="http://project"\n')
    assert Npmrc.of(own, tmp_path).registry == "http://project"
    assert Npmrc.of({**own, "npm_config_registry": "http://variable/"}, tmp_path).registry == "http://variable"


@pytest.mark.parametrize(
    ("registry", "line", "header"),
    [
        ("http://host:8/a/b", "//host:8/a/b/:_authToken=s3cret", "Bearer s3cret"),
        ("http://host:8/a/b", "//host:8/a/:_authToken=${TOKEN}", "Bearer from the environment"),
        ("http://host:8/a/b", "//host:8/:_auth=dTpw", "Basic dTpw"),
        ("http://host:8/a/b", "//other:8/:_authToken=s3cret", ""),
    ],
)
def test_a_token_is_only_for_its_registry(
    registry: str, line: str, header: str, own: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "user").write_text(f"registry={registry}\n{line}\n")
    assert Npmrc.of({**own, "TOKEN": "from the environment"}, tmp_path).authorization == header


def test_comments_and_lines_without_a_value_are_left_out() -> None:
    assert parse("; a=1\n# b=2\n[section]\nc = 3\nd=${E}\n", {"E": "4"}) == {"c": "3", "d": "4"}


def test_proxies_and_the_right_to_trust_anybody_are_respected() -> None:
    opener: Any = Npmrc({"https-proxy": "http://proxy:1", "strict-ssl": "false"}).opener()
    proxies = next(one for one in opener.handlers if isinstance(one, urllib.request.ProxyHandler))
    assert proxies.proxies["https"] == "http://proxy:1"  # type: ignore[attr-defined]
    https = next(one for one in opener.handlers if isinstance(one, urllib.request.HTTPSHandler))
    assert https._context.verify_mode is ssl.CERT_NONE  # type: ignore[attr-defined]
    direct: Any = Npmrc({"registry": "http://here", "proxy": "http://proxy:1", "noproxy": "there,here"}).opener()
    assert not [one for one in direct.handlers if isinstance(one, urllib.request.ProxyHandler) and one.proxies]  # type: ignore[attr-defined]
