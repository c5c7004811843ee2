"""Requests and results of all tasks, validated, to and from JSON; one module a kind of work, found by lying here.

The request models are the keyword arguments of the tasks; their field names are the
words that a refusal names. A result is small: what was made lies in the store.
"""

from tasks.messages.base import (
    INLINE_TEXT_BYTES,
    MAX_TEXT_CHARS,
    JobRequest,
    Message,
    ModelRequest,
    PartRequest,
    Request,
)
from tasks.messages.craft import Craft
from tasks.messages.files import Audio, ResultFile, StoredFile
from tasks.messages.map import MapRequest, MapResult
from tasks.messages.result import Result
from tasks.messages.speech import (
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
    "Craft",
    "JobRequest",
    "MapRequest",
    "MapResult",
    "Message",
    "ModelRequest",
    "ParagraphRequest",
    "ParagraphResult",
    "PartRequest",
    "Request",
    "Result",
    "ResultFile",
    "Skipped",
    "Speaking",
    "StoredFile",
    "SummariesResult",
    "Summarising",
    "SummaryPartRequest",
    "SummaryResult",
    "SummaryTextRequest",
    "SummaryTextsRequest",
    "TextSummaryResult",
    "TextToSummarise",
]
