"""What a list shows of a job that was never opened, whatever its request looks like."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tasks.errors import ArtifactMissing
from tasks.flow.ends.about import about, fields_in
from tasks.flow.ends.outside import Failing, fail
from tasks.flow.envelope import new_message
from tasks.flow.ledger import Ledger
from tasks.flow.ledger.record import OwnMessage
from tasks.flow.payloads import payload_of_fields
from tests.unit.tasks.flow.ledger.opened_jobs import FLOW, OPENING, record_of


@pytest.mark.parametrize(
    ("fields", "title", "model"),
    [
        ({"title": "Chí Phèo", "model": "espeak", "text": "Hắn vừa đi"}, "Chí Phèo", "espeak"),
        ({"model": "espeak", "text": "Hắn vừa\nđi"}, "Hắn vừa đi", "espeak"),
        ({"title": 7, "model": ["x"], "text": None}, "", ""),
        ({}, "", ""),
    ],
)
def test_a_job_is_named_by_its_title_or_first_words(
    ledger: Ledger, fields: dict[str, Any], title: str, model: str
) -> None:
    assert about(ledger, fields, None) == {"title": title, "model": model, "voice": ""}


def test_a_chapter_that_never_opened_has_its_title_model_and_book(ledger: Ledger) -> None:
    chapter = payload_of_fields("C", "Một", {"model": "espeak", "voice": "vi", "text_ref": "text/x"})
    ledger.transitions.open("book", replace(OPENING, payloads=[chapter, "C"], part_queue=FLOW, part_list=FLOW))
    assert fail(ledger, Failing("book.1", "chapter", ("book", 1), ArtifactMissing("text/x is not in /store")))
    record = record_of(ledger, "book.1")
    assert (record.kind, record.title, record.model, record.voice) == ("chapter", "Một", "espeak", "vi")
    assert (record.parent_job, record.parent_part, record.submitted > 0) == ("book", 1, True)
    # A payload of another form names nothing more.
    assert about(ledger, {}, ("book", 2))["title"] == ""
    assert about(ledger, {}, ("gone", 2)) == {
        "title": "", "model": "", "voice": "", "parent_job": "gone", "parent_part": "2",
    }  # fmt: skip


def test_what_a_record_has_already_stays(ledger: Ledger, raw_redis: Any) -> None:
    ledger.transitions.submit("job", "book", "Its title", "bart", "", FLOW, "{}")
    ledger.transitions.end("job", "chapter", "FAILURE", None, {"type": "", "message": ""}, about={"title": "Another"})
    record = record_of(ledger, "job")
    assert (record.kind, record.title) == ("book", "Its title")


def test_the_fields_of_its_own_message_are_found_in_it() -> None:
    head, _, tail = new_message("speech.chapter", "job", {"title": "A"}, FLOW).partition("tag")
    assert fields_in(OwnMessage(head, f"tag{tail}", FLOW)) == {"title": "A"}
    for broken in ("", "{}", "[]", json.dumps({"body": "[]"}), json.dumps({"body": "[[], 1]"})):
        assert fields_in(OwnMessage(broken, "", FLOW)) == {}
    assert fields_in(None) == {}
