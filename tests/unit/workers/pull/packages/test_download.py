"""A download goes on where it stopped, whatever its server does."""

from __future__ import annotations

import socket
import urllib.request
from pathlib import Path

import pytest

from tasks.errors import SourceUnavailable
from tests.fixtures.pull.web import Web
from workers.pull.packages import download

CONTENT = bytes(range(256)) * 4096


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lost connections are made again at once."""
    monkeypatch.setattr(download, "PAUSE_S", 0.0)


def fetch(web: Web, part: Path, authorization: str = "") -> list[int]:
    moves: list[int] = []
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    download.download(f"{web.url}/x.tgz", part, opener, authorization, moves.append)
    return moves


def test_the_whole_file_comes(web: Web, tmp_path: Path) -> None:
    web.files["/x.tgz"] = CONTENT
    moves = fetch(web, tmp_path / "part")
    assert (tmp_path / "part").read_bytes() == CONTENT
    assert moves == sorted(moves)
    assert moves[-1] == len(CONTENT)


def test_a_lost_connection_goes_on_where_it_ended(web: Web, tmp_path: Path) -> None:
    web.files["/x.tgz"] = CONTENT
    web.cut_after = [100_000, 300_000]
    fetch(web, tmp_path / "part")
    assert (tmp_path / "part").read_bytes() == CONTENT
    assert [headers.get("range") for _, headers in web.asked] == [None, "bytes=100000-", "bytes=400000-"]


def test_a_later_run_goes_on_too(web: Web, tmp_path: Path) -> None:
    web.files["/x.tgz"] = CONTENT
    (tmp_path / "part").write_bytes(CONTENT[:70_000])
    fetch(web, tmp_path / "part")
    assert (tmp_path / "part").read_bytes() == CONTENT
    assert web.asked[0][1]["range"] == "bytes=70000-"


def test_a_server_without_ranges_is_read_from_the_begin(web: Web, tmp_path: Path) -> None:
    web.files["/x.tgz"] = CONTENT
    web.has_ranges = False
    web.cut_after = [100_000]
    fetch(web, tmp_path / "part")
    assert (tmp_path / "part").read_bytes() == CONTENT


def test_a_part_that_is_longer_than_the_file_is_fetched_anew(web: Web, tmp_path: Path) -> None:
    web.files["/x.tgz"] = CONTENT
    (tmp_path / "part").write_bytes(CONTENT + b"more")
    fetch(web, tmp_path / "part")
    assert (tmp_path / "part").read_bytes() == CONTENT


def test_connections_that_bring_nothing_are_given_up(web: Web, tmp_path: Path) -> None:
    web.files["/x.tgz"] = CONTENT
    web.cut_after = [1000, 0, 0]
    with pytest.raises(SourceUnavailable, match="x.tgz: the connection ended after 0 of 1,047,576 bytes"):
        fetch(web, tmp_path / "part")
    assert (tmp_path / "part").read_bytes() == CONTENT[:1000]


def test_what_is_not_there_and_who_does_not_answer_is_named(
    web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SourceUnavailable, match="x.tgz: the registry says 404"):
        fetch(web, tmp_path / "part")
    web.files["/x.tgz"] = CONTENT
    web.stalls_on = "x.tgz"
    monkeypatch.setattr(download, "TIMEOUT_S", 0.2)
    with pytest.raises(SourceUnavailable, match="x.tgz: .*timed out|x.tgz: it does not answer within 0.2 s"):
        fetch(web, tmp_path / "part")
    with socket.create_server(("127.0.0.1", 0)) as closed:
        web.url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    with pytest.raises(SourceUnavailable, match="x.tgz: Connection refused"):
        fetch(web, tmp_path / "part")


def test_a_token_is_sent(web: Web, tmp_path: Path) -> None:
    web.files["/x.tgz"] = CONTENT
    fetch(web, tmp_path / "part", "Bearer x")
    assert web.asked[0][1]["authorization"] == "Bearer x"


def test_a_file_that_cannot_be_written_is_not_the_servers_fault(web: Web, tmp_path: Path) -> None:
    web.files["/x.tgz"] = CONTENT
    with pytest.raises(FileNotFoundError):
        fetch(web, tmp_path / "absent" / "part")
