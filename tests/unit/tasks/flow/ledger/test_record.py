"""A job's record from the fields of its hash: what is missing is empty, never an error."""

from __future__ import annotations

from tasks.flow.ledger.record import read_record


def test_a_job_that_is_only_sent_has_no_counts_and_no_times() -> None:
    record = read_record("job", {"state": "sent", "kind": "chapter", "submitted_ms": "1500"})
    assert (record.job_id, record.kind, record.label) == ("job", "chapter", "sent")
    assert (record.total, record.done, record.opened, record.submitted) == (0, 0, 0.0, 1.5)
    assert (record.outcome, record.result, record.error, record.measure) == (None, None, None, None)
    assert (record.parent_job, record.parent_part) == (None, None)


def test_an_ended_job_is_labelled_as_celery_names_its_end() -> None:
    fields = {
        "state": "ended",
        "outcome": "FAILURE",
        "error": '{"type":"StoreError"}',
        "result": "",
        "parent_part": "3",
    }
    record = read_record("job", {**fields, "parent_job": "above"})
    assert record.label == "FAILURE"
    assert record.error == {"type": "StoreError"}
    assert (record.parent_job, record.parent_part) == ("above", 3)
