"""The process that asks the hub: what it is told of its surroundings, and the words for what goes wrong."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.errors import SourceUnavailable
from tests.fixtures.processes import StartProcess
from tests.fixtures.pull.hub_server import Hub, serving
from tests.fixtures.waiting import WaitUntil
from workers.pull.hub import client
from workers.pull.hub.client import HubProcess, environment

pytestmark = pytest.mark.worker
"""Most start processes that import huggingface_hub, a second each; `make test` installs it."""

UNREACHABLE = "http://127.0.0.1:9"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with serving() as one:
        for name in (*client.OFFLINE, "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("HF_ENDPOINT", one.url)
        one.commit("a/b", {"x.json": b"{}"})
        yield one


def test_what_is_wrong_with_a_repository_is_said_by_one_process(hub: Hub, tmp_path: Path) -> None:
    with HubProcess() as asked:
        commit = asked.info("a/b", None)["commit"]
        said = [
            ("c/d", "there is no repository c/d, or it is private and HF_TOKEN does not open it (HTTP 401)"),
            ("a/b", "HTTP 503 for a/b"),
        ]
        hub.statuses["models/a/b"] = 503
        for repo, words in said:
            with pytest.raises(SourceUnavailable) as caught:
                asked.info(repo, None)
            assert str(caught.value) == f"{hub.url}: {words}"
        hub.statuses["models/a/b"] = 401
        with pytest.raises(SourceUnavailable, match="HTTP 401 for a/b: the token is not valid; set HF_TOKEN"):
            asked.info("a/b", None)
        hub.repositories["a/b"].is_gated = True
        with pytest.raises(
            SourceUnavailable, match="a/b is gated: accept its conditions on its page, and set HF_TOKEN"
        ):
            asked.download("a/b", commit, "x.json", tmp_path, lambda done: None)
        hub.repositories["a/b"].is_gated = False
        assert asked.download("a/b", commit, "x.json", tmp_path, lambda done: None).read_bytes() == b"{}"


def test_a_token_is_sent(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.repositories["a/b"].token = "hf_secret"
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    with HubProcess() as asked:
        assert set(asked.info("a/b", None)["files"]) == {"x.json"}


def test_no_answer_is_said_at_once_and_the_process_is_gone(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", UNREACHABLE)
    with pytest.raises(SourceUnavailable, match=f"^{UNREACHABLE}: Connection refused$"), HubProcess() as asked:
        asked.info("a/b", None)
    assert asked._process is not None
    assert asked._process.poll() is not None


ASKS = """
from workers.pull.hub.client import HubProcess
with HubProcess() as asked:
    print(asked._process.pid, flush=True)
    asked.info("a/b", None)
"""


def test_no_process_is_left_when_the_pull_is_killed(
    hub: Hub, start_process: StartProcess, wait_until: WaitUntil
) -> None:
    hub.stalls.add("/api/")
    pull = start_process(sys.executable, "-c", ASKS)
    pid = int(pull.wait_for_log(r"(\d+)").group(1))
    wait_until(lambda: bool(hub.asked))
    assert pid in pull.children()
    pull.kill()
    wait_until(lambda: not Path(f"/proc/{pid}").exists())


def test_a_proxy_is_used(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = hub.url
    monkeypatch.setenv("HF_ENDPOINT", "http://hub.invalid")
    monkeypatch.setenv("http_proxy", proxy)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with HubProcess() as asked:
        assert asked.info("a/b", None)["commit"]


def test_offline_by_the_users_own_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(SourceUnavailable, match="HF_HUB_OFFLINE=1 is set, which forbids it; unset it"):
        client.require()
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    client.require()


def test_without_huggingface_hub_the_command_that_installs_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr(client, "find_spec", lambda name: None)
    with pytest.raises(SourceUnavailable, match=r"not installed; run: pip install 'slotline\[hub\]'"):
        client.require()


def test_its_environment_is_the_users_with_downloads_that_can_go_on() -> None:
    assert environment({})["HF_HUB_DISABLE_XET"] == "1"
    assert "HF_HUB_DISABLE_XET" not in environment({"HF_HUB_DISABLE_XET": "0"})
    assert environment({"HF_HUB_ENABLE_HF_TRANSFER": "1"})["HF_HUB_ENABLE_HF_TRANSFER"] == "0"
    assert os.environ.get("HF_HUB_DISABLE_PROGRESS_BARS") is None


def test_what_has_arrived_is_the_unfinished_part_or_the_file(tmp_path: Path) -> None:
    assert client.arrived(tmp_path, "x") == 0
    part = tmp_path / ".cache" / "huggingface" / "download" / "x.incomplete"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"123")
    assert client.arrived(tmp_path, "x") == 3
    (tmp_path / "x").write_bytes(b"1234")
    assert client.arrived(tmp_path, "x") == 4
