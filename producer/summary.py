"""What `Client` offers for summaries: one of a text of any length, or one of each of many texts.

Builds requests; sends none itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from producer.job import Job
from producer.submitter import Submitter
from tasks.messages import SummariesResult, SummaryTextRequest, SummaryTextsRequest, TextSummaryResult
from tasks.messages.inputs import fields_of


class SummaryClient(Submitter):
    """Asks for summaries. Every method raises `InvalidInput` before anything is sent.

    With a `job_id` that is recorded already nothing is sent.
    """

    def submit_summary(
        self, text: str, *, model: str, job_id: str | None = None, **options: Any
    ) -> Job[TextSummaryResult]:
        """A text of any length, to become one summary; `options` are the further fields of `SummaryTextRequest`."""
        return self.submit(SummaryTextRequest.parse({"text": text, "model": model, **options}), job_id)

    def submit_summaries(
        self, texts: Iterable[str | Mapping[str, Any]], *, model: str, job_id: str | None = None, **options: Any
    ) -> Job[SummariesResult]:
        """Texts (or `title`, and `text` or `text_ref`) in order, each to become one summary.

        `options` are the further fields of `SummaryTextsRequest`.
        """
        given = fields_of("texts", texts, {})
        return self.submit(SummaryTextsRequest.parse({"texts": given, "model": model, **options}), job_id)
