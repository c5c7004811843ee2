"""The hub's way through the real huggingface_hub, against a small hub on this machine: locked, resumed, refused."""

from __future__ import annotations

import hashlib
import json
import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.errors import PullFailed, SourceUnavailable
from tests.fixtures.pull import tiny
from tests.fixtures.pull.hub_server import Hub as Server
from tests.fixtures.pull.hub_server import serving
from workers.pull.hub import client
from workers.pull.hub.fetching import Hub, git_digest
from workers.pull.installed import State, look
from workers.pull.place import Place
from workers.pull.pull import Pull, Pulled
from workers.pull.recipe import HUB, RecipeFile, Way

pytestmark = pytest.mark.worker
"""Each test starts processes that import huggingface_hub, a second each; `make test` installs it."""

WEIGHTS = bytes(range(256)) * 4096
FILES = {"onnx/model.onnx": WEIGHTS, "voices/one.bin": b"one", "voices/two.bin": b"two", "other.onnx": b"no"}
WAY = Way(
    source=HUB,
    repo="them/tiny",
    files=(RecipeFile("model.onnx", origin="onnx/model.onnx"), RecipeFile("config.json", origin="us/base:config.json")),
    patterns=("voices/*.bin",),
    download_bytes=0,
)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A hub with the two repositories of the tiny model, which huggingface_hub asks."""
    with serving() as one:
        for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("HF_ENDPOINT", one.url)
        one.commit("them/tiny", FILES)
        one.commit("us/base", {"config.json": b"{}"})
        yield one


def pulled(place: Place, way: Way = WAY, newest: bool = False, notes: tiny.Notes | None = None) -> Pulled:
    return Pull(tiny.recipe(way), place, {HUB: Hub(newest)}, notes or tiny.Notes(), update=newest).run()


def test_the_first_pull_locks_commit_and_digests_and_says_so(hub: Server, place: Place) -> None:
    notes = tiny.Notes()
    made = pulled(place, notes=notes).manifest
    assert set(made.files) == {"model.onnx", "config.json", "voices/one.bin", "voices/two.bin"}
    assert (place.target / "model.onnx").read_bytes() == WEIGHTS
    lock = json.loads(place.hub_lock.read_bytes())
    assert lock["files"]["config.json"]["sha256"] == hashlib.sha256(b"{}").hexdigest()
    assert {path: file["sha256"] for path, file in lock["files"].items()} == {
        path: record.sha256 for path, record in made.files.items()
    }
    assert made.revision == ", ".join(f"{repo}@{commit}" for repo, commit in lock["repos"].items())
    assert f"tiny: locked to {made.revision}" in notes.lines[-1]
    assert notes.moves[-1][0] == "config.json"
    assert max(done for name, done, _ in notes.moves if name == "model.onnx") == len(WEIGHTS)


def test_a_later_pull_keeps_to_the_locked_commit_until_the_newest_is_asked_for(hub: Server, place: Place) -> None:
    first = pulled(place).manifest
    hub.commit("them/tiny", {**FILES, "onnx/model.onnx": b"newer"})
    (place.target / "model.onnx").unlink()
    hub.asked.clear()
    assert pulled(place).manifest == first
    assert [one.path.rpartition("/")[2] for one in hub.asked if "/cdn/" in one.path] == ["model.onnx"]
    assert pulled(place, newest=True).manifest.revision != first.revision
    assert (place.target / "model.onnx").read_bytes() == b"newer"
    hub.asked.clear()
    assert not pulled(place, newest=True).is_new
    assert not [one for one in hub.asked if "/cdn/" in one.path]


def test_other_files_than_the_locked_ones_are_refused_and_nothing_changes(hub: Server, place: Place) -> None:
    revision = pulled(place).manifest.revision
    commit = next(iter(hub.repositories["them/tiny"].commits))
    hub.repositories["them/tiny"].commits[commit] = {**FILES, "voices/one.bin": b"0ne"}
    (place.target / "model.onnx").unlink()
    with pytest.raises(PullFailed, match=r"locked in .*tiny.hub.json: voices/one.bin: SHA-256 .* --update takes"):
        pulled(place)
    assert look(place.target).manifest is not None
    assert revision.startswith(f"them/tiny@{commit}")


def test_a_folder_that_was_removed_comes_again_as_it_was_locked(hub: Server, place: Place) -> None:
    first = pulled(place).manifest
    hub.commit("them/tiny", {**FILES, "onnx/model.onnx": b"newer"})
    for path in sorted(place.target.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    assert pulled(place).manifest == first


def test_a_locked_commit_that_is_gone_is_named_with_what_to_do(hub: Server, place: Place) -> None:
    pulled(place)
    hub.repositories["them/tiny"].commits.clear()
    hub.commit("them/tiny", FILES)
    lock = place.hub_lock.read_text().replace(next(iter(hub.repositories["them/tiny"].commits)), "f" * 40, 1)
    place.hub_lock.write_text(lock)
    (place.target / "model.onnx").unlink()
    with pytest.raises(SourceUnavailable, match="them/tiny has no revision ffff.* any more; --update takes the newest"):
        pulled(place)


def test_a_broken_download_goes_on_where_it_ended(hub: Server, place: Place) -> None:
    hub.cut_after["onnx/model.onnx"] = 600_000
    pulled(place)
    ranges = [one.range for one in hub.asked if one.path.endswith("onnx/model.onnx") and one.method == "GET"]
    assert ranges == ["", "bytes=524288-"]
    assert (place.target / "model.onnx").read_bytes() == WEIGHTS


def test_what_an_interrupted_pull_has_fetched_is_not_fetched_again(hub: Server, place: Place) -> None:
    hub.statuses["us/base/resolve"] = 404
    with pytest.raises(SourceUnavailable, match="HTTP 404 for config.json"):
        pulled(place)
    assert look(place.target).state is State.ABSENT
    assert not place.hub_lock.exists()
    hub.statuses.clear()
    hub.commit("them/tiny", {**FILES, "onnx/model.onnx": b"newer"})
    hub.asked.clear()
    pulled(place)
    assert not [one for one in hub.asked if "/cdn/" in one.path]
    assert (place.target / "model.onnx").read_bytes() == WEIGHTS


def test_content_that_is_not_what_the_hub_announced_is_refused(hub: Server, place: Place) -> None:
    hub.lies["config.json"] = b"[]"
    with pytest.raises(PullFailed, match=r"config.json: what came from us/base has another content"):
        pulled(place)
    hub.lies.clear()
    hub.lies["voices/one.bin"] = b"0ne"
    with pytest.raises(PullFailed, match=r"voices/one.bin: .* has SHA-256 .*, expected .*; refused"):
        pulled(place)
    assert look(place.target).state is State.ABSENT


def test_a_download_that_stalls_is_ended_and_says_so(
    hub: Server, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "STALL_S", 0.5)
    hub.stalls.add("/cdn/")
    with pytest.raises(SourceUnavailable, match=r"gave nothing for 0\.5 s"):
        pulled(place)


def test_a_full_disk_is_said_in_one_line(hub: Server, place: Place) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
    try:
        with pytest.raises(PullFailed, match=r"the disk of .* is full .*; make room, and pull again"):
            pulled(place)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert look(place.target).state is State.ABSENT


def test_gits_digest_of_a_file_is_gits(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    assert git_digest(tmp_path / "empty") == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
    assert os.path.getsize(tmp_path / "empty") == 0
