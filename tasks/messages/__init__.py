"""Requests and results of all tasks, validated, to and from JSON; each kind of work has a module in this folder.

The fields of a request model are the keyword arguments of its task, and an error names a
field by this name. A result is small: the files themselves are in the store.
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
from tasks.messages.files import Archive, Audio, ResultFile, StoredFile
from tasks.messages.infer import InferRequest, InferResult
from tasks.messages.lipsync import Film, SpokenBy, StretchRequest, StretchResult, VideoRequest, VideoResult
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
    "Archive",
    "Audio",
    "BookChapter",
    "BookRequest",
    "BookResult",
    "ChapterRequest",
    "ChapterResult",
    "Craft",
    "Film",
    "InferRequest",
    "InferResult",
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
    "SpokenBy",
    "StoredFile",
    "StretchRequest",
    "StretchResult",
    "SummariesResult",
    "Summarising",
    "SummaryPartRequest",
    "SummaryResult",
    "SummaryTextRequest",
    "SummaryTextsRequest",
    "TextSummaryResult",
    "TextToSummarise",
    "VideoRequest",
    "VideoResult",
]
