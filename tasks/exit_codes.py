"""The exit codes of all commands and workers."""

from __future__ import annotations

DONE = 0

FAILED = 1
"""The request was valid, but it failed."""

BAD_INPUT = 2
"""Wrong usage, settings or input: the same call will fail again."""

INTERRUPTED = 130
"""Ctrl-C: 128 plus the number of SIGINT, as in shells."""
