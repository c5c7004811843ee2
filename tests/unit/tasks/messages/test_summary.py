"""Summaries: lengths that contradict each other are refused, and what the results are in words and files."""

from __future__ import annotations

import pytest

from tasks.errors import InvalidInput
from tasks.messages import (
    ResultFile,
    SummariesResult,
    SummaryPartRequest,
    SummaryResult,
    SummaryTextRequest,
    TextSummaryResult,
)


def text_result(title: str) -> TextSummaryResult:
    return TextSummaryResult(
        title=title, text="Short.", artifact="a.txt", levels=1, parts=1, computed=1, is_complete=True, is_cut=False
    )


@pytest.mark.parametrize("request_type", [SummaryPartRequest, SummaryTextRequest])
def test_a_shortest_length_above_the_longest_is_refused(
    request_type: type[SummaryPartRequest] | type[SummaryTextRequest],
) -> None:
    with pytest.raises(InvalidInput, match="^min_length: 9 is more than max_length, 8$"):
        request_type.parse({"model": "m", "text": "a", "max_length": 8, "min_length": 9})


def test_a_summary_becomes_a_file_of_its_text_and_many_a_folder() -> None:
    part = SummaryResult(text="Short.", artifact="a.txt", tokens_read=3, is_cut=False, computed=True)
    assert part.words() == "a summary of 6 characters"
    assert part.files(str) == [ResultFile("Short.")]
    many = SummariesResult(summaries=[text_result("One"), None])
    assert many.is_folder
    assert many.words() == "2 summaries"
    assert many.files(str) == [ResultFile("Short.", "One"), None]
