"""What a person gets wrong: one line that names the field or file; status 2, or 1 where it is no mistake of theirs."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from tasks.offers import Offers, Published
from tasks.settings import settings
from tests.fixtures.commands import Said

Slotline = Callable[..., Said]

NO_BROKER = "redis://:secret@127.0.0.1:1/0"


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "book.txt"
    path.write_text("One.\n\nTwo.")
    return path


def broken_files(folder: Path) -> dict[str, Path]:
    """Files that cannot be read, by what is wrong with them."""
    made = {name: folder / f"{name}.txt" for name in ("missing", "latin", "empty", "wordless")}
    made["latin"].write_bytes("Ch\xfac m\u1eebng".encode("utf-16-le") + b"\xff\xfe\xfa")
    made["empty"].touch()
    made["wordless"].write_text("*** — …")
    made["folder"] = folder
    made["damaged"] = folder / "damaged.epub"
    made["damaged"].write_bytes(b"PK\x03\x04" + b"no zip" * 40)
    made["stranger"] = folder / "stranger.epub"
    with zipfile.ZipFile(made["stranger"], "w") as archive:
        archive.writestr("hello.txt", "no book")
    return made


@pytest.mark.parametrize("wrong", ["missing", "latin", "empty", "wordless", "folder", "damaged", "stranger"])
@pytest.mark.parametrize("local", [(), ("--local",)])
def test_a_file_that_is_no_book_is_named_in_one_line(
    catalog_file: Path, tmp_path: Path, slotline: Slotline, wrong: str, local: tuple[str, ...]
) -> None:
    path = broken_files(tmp_path)[wrong]
    said = slotline("read", *local, path, "-o", tmp_path / "out")
    assert said.status == 2
    assert str(path) in said.err
    assert len(said.err.splitlines()) == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "status", "words"),
    [
        (["--speed", "9"], 2, "speed: "),
        (["--speed", "fast"], 2, "--speed"),
        (["--model", "qick"], 2, "did you mean 'quick'"),
        (["--model", "no model"], 2, "model: "),
        (["--voice", "ana"], 2, "voice: quick has no voice 'ana'; it has anna"),
        (["--chapters", "7"], 2, "chapters: there is no 7"),
        (["--chapters", "x"], 2, "chapters: 'x'"),
        (["--format", "ogg"], 2, "--format"),
        (["--slots", "0"], 2, "--slots"),
        (["-o", "BOOK/inside"], 2, "-o: folder"),
    ],
)
def test_a_wrong_option_of_read_is_named_in_one_line(
    broker: str,
    catalog_file: Path,
    book: Path,
    slotline: Slotline,
    options: list[str],
    status: int,
    words: str,
) -> None:
    with redis.Redis.from_url(broker) as client:
        Offers(client).publish(Published("quick", "rehearsal", "1", 22_050, {"anna": "en", "bert": "en"}))
    chosen = [option.replace("BOOK", str(book)) for option in options]
    said = slotline("read", book, "--model", "quick", "-o", book.parent / "out", *chosen)
    assert said.status == status
    assert words in said.err
    assert len([line for line in said.err.splitlines() if line.startswith("slotline: ")]) == 1
    assert "Traceback" not in said.err


@pytest.mark.parametrize(
    "command",
    [["read", "BOOK"], ["say", "Hello", "-o", "x.wav"], ["jobs"], ["watch", "some-id"], ["slots"]],
    ids=lambda command: command[0],
)
def test_without_a_broker_every_command_offers_to_start_one(
    catalog_file: Path,
    book: Path,
    slotline: Slotline,
    monkeypatch: pytest.MonkeyPatch,
    command: list[str],
) -> None:
    monkeypatch.setenv("CELERY_BROKER_URL", NO_BROKER)
    monkeypatch.chdir(book.parent)
    settings.cache_clear()
    said = slotline(*(str(book) if word == "BOOK" else word for word in command))
    assert said.status == 1
    assert said.err.startswith("slotline: no Redis answers at redis://")
    assert "slotline up" in said.err
    assert "secret" not in said.err
    assert len(said.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["say", "", "-o", "x.wav"], "text: is empty"),
        (["say", "Hello", "-o", "x.ogg"], "format: 'ogg'"),
        (["say", "Hello"], "-o"),
        (["say", "Hello", "-o", "x.wav", "--model", "qick"], "did you mean 'quick'"),
        (["watch", "nope"], "no job 'nope'"),
    ],
)
def test_wrong_words_to_say_and_watch_are_named_in_one_line(
    broker: str, catalog_file: Path, slotline: Slotline, arguments: list[str], words: str
) -> None:
    said = slotline(*arguments)
    assert said.status == 2
    assert words in said.err
    assert len(said.err.splitlines()) == 1


def test_a_store_that_cannot_be_written_is_named(
    broker: str, catalog_file: Path, tmp_path: Path, slotline: Slotline, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("SLOTLINE_STORE_URL", str(tmp_path / "file" / "store"))
    settings.cache_clear()
    long = tmp_path / "long.txt"
    long.write_text("A sentence of some length.\n\n" * 1000)
    said = slotline("read", long, "--model", "quick", "-o", tmp_path / "out")
    assert said.status == 1
    assert str(tmp_path / "file" / "store") in said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize("word", ["=2", "quick=0", "quick=x", "quick=2=3"])
def test_up_refuses_what_is_no_model_with_slots(
    own_environment: None, catalog_file: Path, slotline: Slotline, word: str
) -> None:
    said = slotline("up", "--model", word)
    assert said.status == 2
    assert said.err.startswith("slotline: --model: ")


def test_up_refuses_a_broker_that_is_no_redis(own_environment: None, catalog_file: Path, slotline: Slotline) -> None:
    said = slotline("up", "--broker", "amqp://localhost")
    assert (said.status, said.err.startswith("slotline: --broker: ")) == (2, True)
