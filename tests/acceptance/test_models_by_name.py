"""A newcomer's first model from the hub: listed, fetched, stopped in the middle, fetched on, and whole."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

import pytest

from tests.fixtures.processes import Process, StartProcess
from tests.fixtures.pull.hub_server import serving
from tests.fixtures.waiting import WaitUntil

COMMAND = (sys.executable, "-m", "tasks.command", "model")
WEIGHTS = bytes(range(256)) * 8192
FILES = {"config.json": b"{}", "model.safetensors": WEIGHTS, "tokenizer.json": b"{}", "pytorch_model.bin": b"no"}


def test_a_model_is_listed_fetched_by_name_and_whole(
    start_process: StartProcess, wait_until: WaitUntil, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SLOTLINE_MODELS", raising=False)

    def run(*words: str) -> Process:
        return start_process(*COMMAND, *words, cwd=tmp_path, env={"HF_HUB_OFFLINE": "", "HF_ENDPOINT": hub.url})

    def listed(*words: str) -> dict[str, dict[str, object]]:
        process = run("list", "--json", *words)
        assert process.wait() == 0, process.tail()
        found = json.loads(process.log()[process.log().index('{"catalog"') :])
        return {str(one["name"]): one for one in (*found["models"], *found["available"])}

    with serving() as hub:
        hub.commit("facebook/bart-large-cnn", FILES)
        assert listed()["bart-large-cnn"]["command"] == "slotline model pull bart-large-cnn"

        hub.holds["model.safetensors"] = 1_000_000
        stopped = run("pull", "bart-large-cnn")
        parts = (tmp_path / "data" / "slotline" / "models" / ".pull").rglob
        wait_until(lambda: any(path.stat().st_size >= 900_000 for path in parts("*.incomplete")))
        stopped.signal(signal.SIGINT)
        assert stopped.wait() == 130, stopped.tail()
        assert not (tmp_path / "data" / "slotline" / "models" / "bart-large-cnn").exists()
        (kept,) = [path.stat().st_size for path in parts("*.incomplete") if path.stat().st_size]

        hub.holds.clear()
        hub.asked.clear()
        pulled = run("pull", "bart-large-cnn")
        assert pulled.wait() == 0, pulled.tail()
        assert "locked to facebook/bart-large-cnn@" in pulled.log()
        # Where it was stopped, which may be a chunk further than was seen before the signal.
        assert f"bytes={kept}-" in [one.range for one in hub.asked if "model.safetensors" in one.path]

    found = listed("--verify")["bart-large-cnn"]
    assert (found["there"], found["licence"], found["source"]) == ("whole", "MIT", "hub")
    assert "bart-large-cnn" in (tmp_path / "models.toml").read_text()
