"""What Celery stored, as a result or as the job's own error."""

from __future__ import annotations

from typing import Any

import pytest

from producer import results
from tasks.errors import JobCancelled, PartsFailed, SlotlineError
from tasks.messages import ParagraphResult
from tasks.messages.files import Audio


def test_a_success_is_the_result_of_its_kind() -> None:
    audio = Audio(artifact="x.wav", sample_rate=8000, frames=8000, bytes=16_044)
    made = ParagraphResult(audio=audio, duration_s=1.0, computed=True)
    assert results.of("job", {"status": "SUCCESS", "result": made.fields()}) == made


def test_a_revoked_job_is_raised_as_cancelled() -> None:
    with pytest.raises(JobCancelled, match="job some-id was cancelled"):
        results.of("some-id", {"status": "REVOKED", "result": None})


@pytest.mark.parametrize(
    ("stored", "error", "words"),
    [
        (
            {"exc_type": "PartsFailed", "exc_message": ["1 of 3"], "exc_module": "tasks.errors"},
            PartsFailed,
            "1 of 3",
        ),
        ({"exc_type": "KeyError", "exc_message": "x", "exc_module": "builtins"}, SlotlineError, "KeyError: x"),
        ({"exc_type": "KeyError", "exc_module": "builtins"}, SlotlineError, "KeyError"),
        ("broken", SlotlineError, "broken"),
    ],
)
def test_a_failure_is_the_error_that_was_raised(stored: Any, error: type[SlotlineError], words: str) -> None:
    found = results.error_of(stored)
    assert (type(found), str(found)) == (error, words)
