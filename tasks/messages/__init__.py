"""Requests and results of all tasks, validated, to and from JSON.

The request models are the keyword arguments of the tasks; their field names are the
words that a refusal names. A result is small: what was made lies in the store.
"""

from tasks.messages.base import (
    INLINE_TEXT_BYTES,
    MAX_TEXT_CHARS,
    Message,
    Request,
)
from tasks.messages.map import MapRequest, MapResult
from tasks.messages.speech import (
    Audio,
    BookChapter,
    BookRequest,
    BookResult,
    ChapterRequest,
    ChapterResult,
    ParagraphRequest,
    ParagraphResult,
    Skipped,
    Speaking,
)
from tasks.messages.summary import (
    SummariesResult,
    Summarising,
    SummaryPartRequest,
    SummaryResult,
    SummaryTextRequest,
    SummaryTextsRequest,
    TextSummaryResult,
    TextToSummarise,
)

__all__ = [
    "INLINE_TEXT_BYTES",
    "MAX_TEXT_CHARS",
    "Audio",
    "BookChapter",
    "BookRequest",
    "BookResult",
    "ChapterRequest",
    "ChapterResult",
    "MapRequest",
    "MapResult",
    "Message",
    "ParagraphRequest",
    "ParagraphResult",
    "Request",
    "Skipped",
    "Speaking",
    "SummariesResult",
    "Summarising",
    "SummaryPartRequest",
    "SummaryResult",
    "SummaryTextRequest",
    "SummaryTextsRequest",
    "TextSummaryResult",
    "TextToSummarise",
]
