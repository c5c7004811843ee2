"""The methods of `Client` for summaries: of one text of any length, or of many texts.

Builds requests; does not send them itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from producer.job import Job
from producer.submitter import Submitter
from tasks.messages import SummariesResult, SummaryTextRequest, SummaryTextsRequest, TextSummaryResult
from tasks.messages.inputs import fields_of


class SummaryClient(Submitter):
    """Submits summaries. Every method raises `InvalidInput` before anything is sent.

    If `job_id` is recorded already, nothing is sent.
    """

    def submit_summary(
        self, text: str, *, model: str, job_id: str | None = None, **options: Any
    ) -> Job[TextSummaryResult]:
        """Submit a text of any length, for one summary; `options` are the other fields of `SummaryTextRequest`."""
        return self.submit(SummaryTextRequest.parse({"text": text, "model": model, **options}), job_id)

    def submit_summaries(
        self, texts: Iterable[str | Mapping[str, Any]], *, model: str, job_id: str | None = None, **options: Any
    ) -> Job[SummariesResult]:
        """Submit texts (or `title`, and `text` or `text_ref`) in order; each gets one summary.

        `options` are the other fields of `SummaryTextsRequest`.
        """
        given = fields_of("texts", texts, {})
        return self.submit(SummaryTextsRequest.parse({"texts": given, "model": model, **options}), job_id)
