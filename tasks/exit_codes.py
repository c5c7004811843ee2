"""What a process of slotline ends with: the same for every command and worker."""

from __future__ import annotations

DONE = 0

FAILED = 1
"""It was asked for rightly, and did not succeed."""

BAD_INPUT = 2
"""Wrong usage, settings or input: asked again in the same way it fails again."""

INTERRUPTED = 130
"""Ctrl-C: 128 and SIGINT's number, as shells have it."""
