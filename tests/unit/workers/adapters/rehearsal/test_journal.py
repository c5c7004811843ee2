"""The journal of a rehearsal has the lines of each write together, with their process."""

from __future__ import annotations

import json
import os
from pathlib import Path

from workers.adapters.rehearsal import journal


def test_each_write_appends_its_lines_with_the_process_and_the_clock(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    journal.write(str(path), [{"what": "began", "text": "a"}, {"what": "began", "text": "b"}])
    journal.write(str(path), [{"what": "ended", "text": "a"}])
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(line["what"], line["text"]) for line in lines] == [("began", "a"), ("began", "b"), ("ended", "a")]
    assert {line["pid"] for line in lines} == {os.getpid()}
    assert lines[0]["ns"] == lines[1]["ns"] <= lines[2]["ns"]


def test_a_text_has_the_same_name_each_time_and_another_text_another() -> None:
    assert journal.digest("Một.") == journal.digest("Một.") != journal.digest("Hai.")
