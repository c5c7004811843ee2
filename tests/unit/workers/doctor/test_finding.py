"""A finding in one line, and as JSON."""

from __future__ import annotations

from workers.doctor.finding import fine, note, wrong


def test_a_finding_is_one_line_with_its_mark_its_subject_and_what_to_do() -> None:
    assert fine("store", "it can\nbe written").line() == "✓ store         it can be written"
    assert wrong("broker", "no answer", "start it").line() == "✗ broker        no answer → start it"
    assert note("extra", "\x1b[1mabsent").line() == r"– extra         \x1b[1mabsent"


def test_as_json_the_mark_is_a_word() -> None:
    assert wrong("broker", "no answer", "start it").fields() == {
        "about": "broker",
        "mark": "wrong",
        "what": "no answer",
        "do": "start it",
    }
    assert [one("a", "b").fields()["mark"] for one in (fine, note)] == ["fine", "note"]
