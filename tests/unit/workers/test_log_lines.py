"""What a sender chose cannot write a log line of its own."""

from __future__ import annotations

import io
import logging
from typing import Any

import pytest
from celery.utils.log import ColorFormatter

from workers.log_lines import OneRecordALine, _on_setup, together

FORGED = "evil\n[2026-01-01 00:00:00,000: ERROR/MainProcess] all is lost\x1b[2J\r\x85\u2028end"


@pytest.fixture
def written() -> Any:
    """A logger, and what it has written."""
    stream = io.StringIO()
    logger = logging.Logger("worker")
    handler = logging.StreamHandler(stream)
    handler.setFormatter(ColorFormatter("[%(levelname)s] %(message)s", use_color=True))
    logger.addHandler(handler)
    _on_setup(logger)
    _on_setup(logger)
    return logger, stream


def test_an_id_with_line_ends_begins_no_line(written: Any) -> None:
    logger, stream = written
    logger.info("Task %(name)s[%(id)s] received", {"name": "speech.chapter", "id": FORGED})
    first, *others = stream.getvalue().splitlines()
    assert first == "[INFO] Task speech.chapter[evil"
    assert all(line.startswith("    ") for line in others)
    assert "\x1b" not in stream.getvalue()


def test_an_errors_text_begins_no_line_in_a_traceback(written: Any) -> None:
    logger, stream = written
    try:
        raise ValueError(FORGED)
    except ValueError:
        logger.exception("failed")
    lines = stream.getvalue().removeprefix("\x1b[1;31m").splitlines()
    assert lines[0] == "[ERROR] failed"
    assert all(line.startswith("    ") for line in lines[1:])
    assert any("ValueError: evil" in line for line in lines)


def test_the_colour_of_a_level_stays_around_the_text(written: Any) -> None:
    logger, stream = written
    logger.error("Chí Phèo\tvừa chửi")
    assert stream.getvalue() == "\x1b[1;31m[ERROR] Chí Phèo\tvừa chửi\x1b[0m\n"


def test_half_a_surrogate_pair_can_be_written() -> None:
    together("\ud800").encode()


def test_a_handler_without_a_formatter_gets_one() -> None:
    logger = logging.Logger("bare")
    logger.addHandler(logging.StreamHandler(io.StringIO()))
    _on_setup(logger)
    assert isinstance(logger.handlers[0].formatter, OneRecordALine)
