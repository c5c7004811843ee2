"""`slotline say` without workers: what it sends. With workers: test_read.py."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

import pytest
import redis

from producer import Client
from producer.job import Job
from tests.fixtures.commands import Slotline
from tests.unit.producer.messages import sent


@pytest.fixture(autouse=True)
def interrupted(broker: str, catalog_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C instead of a wait."""

    def wait(job: Job) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Job, "wait", wait)


def test_a_sentence_goes_to_a_slot_at_once_and_a_long_text_is_a_chapter(
    slotline: Slotline, redis_client: redis.Redis
) -> None:
    said = slotline("say", "Hello there.", "-o", "x.wav", "--model", "quick")
    assert said.status == 130
    assert "follow it: slotline watch " in said.err
    assert [fields["text"] for _, fields in sent(redis_client, "quick")] == ["Hello there."]
    slotline("say", "Hello.\n\nGood bye.", "-o", "two.flac", "--model", "quick")
    [(task, fields)] = sent(redis_client, "flow")
    assert (task, fields["title"]) == ("speech.chapter", "two")
    assert [record.kind for record in Client().jobs()] == ["chapter"]


def test_a_dash_takes_the_text_from_standard_input(
    slotline: Slotline, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("Xin chào.".encode())))
    slotline("say", "-", "-o", "x.wav", "--model", "quick")
    assert [fields["text"] for _, fields in sent(redis_client, "quick")] == ["Xin chào."]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xff\xfe\xfa")))
    said = slotline("say", "-", "-o", "x.wav", "--model", "quick")
    assert (said.status, said.err) == (2, "slotline: text: standard input is not UTF-8\n")


def test_what_the_note_of_a_detached_text_names_can_be_watched(slotline: Slotline) -> None:
    said = slotline("say", "Hello there.", "-o", "x.wav", "--model", "quick")
    [job_id] = re.findall(r"slotline watch (\S+)", said.err)
    assert Client().job(job_id).id == job_id


def test_it_says_that_no_worker_of_the_model_is_ready(slotline: Slotline) -> None:
    assert "no worker of quick is ready yet" in slotline("say", "Hello.", "-o", "x.wav", "--model", "quick").err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["-o", "no/such/x.wav"], "-o: there is no folder no/such; make it, or name another"),
        (["-o", "x.wav", "--format", "flac"], "--format: flac, but x.wav ends in .wav; give one of the two"),
        (["-o", "x.ogg"], "format: 'ogg' is not written here; it may be wav, flac"),
    ],
)
def test_a_file_that_cannot_be_written_is_refused_before_anything_is_sent(
    slotline: Slotline, redis_client: redis.Redis, options: list[str], words: str
) -> None:
    said = slotline("say", "Hello.", "--model", "quick", *options)
    assert (said.status, said.err) == (2, f"slotline: {words}\n")
    assert redis_client.keys("*") == []


def test_a_name_of_another_ending_takes_the_format_that_is_asked_for(
    slotline: Slotline, redis_client: redis.Redis
) -> None:
    assert slotline("say", "Hello.", "-o", "x.audio", "--format", "flac", "--model", "quick").status == 130
    assert len(sent(redis_client, "quick")) == 1
