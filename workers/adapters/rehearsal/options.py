"""The options of the rehearsal. Values only."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from workers.adapters.base import Options
from workers.adapters.rehearsal.film import FIELDS


class RehearsalOptions(Options):
    """What `[models.NAME]` may say beside the common keys."""

    seconds: float = Field(0.0, ge=0)
    """The time of a batch, for any inputs."""
    seconds_per_char: float = Field(0.0, ge=0)
    seconds_per_frame: float = Field(0.0, ge=0)
    load_seconds: float = Field(0.0, ge=0)
    unload_seconds: float = Field(0.0, ge=0)
    pretended_bytes: int = Field(0, ge=0)
    """The memory that it reports for a loaded model; it uses none."""
    steps: int = Field(0, ge=0)
    """How many products of two matrices a batch computes after its seconds."""
    step_size: int = Field(128, ge=1, le=1024)
    """The rows and columns of these matrices (float32). A product of 128 takes about 40 µs on one thread."""
    voices: list[str] = Field(default_factory=list)
    """The voices, or faces, that it accepts; if the list is empty, it accepts every one."""
    gives: Literal["sound", "text", "film", "answer"] = "sound"
    """What it makes of an input: silence, the first words of the text, pictures, or the input itself."""
    media_type: str = ""
    """With `gives = "answer"`: the input's JSON comes back as bytes of this media type; empty: as JSON."""
    frame_size: int = Field(64, ge=2 * FIELDS, le=2048, multiple_of=FIELDS)
    """With `gives = "film"`: the width and the height of a picture in pixels."""
    reads_tokens: int = Field(256, ge=1)
    """With `gives = "text"`: how many words of a text it reads; the rest is cut."""
    fail_load: bool = False
    faults: bool = False
    journal: str = ""
    """A file (created if missing): a line of JSON at the begin and at the end of each input (`what`, `pid`, `ns` of
    CLOCK_MONOTONIC, which all processes of a host share, and `text`, its digest). With `steps` there is one more line
    for each batch, `stepped`, with the number of `steps`, their `seconds`, and `waited_s`, the seconds of these in
    which other processes had all cores (0 where the kernel does not say). Lines of processes do not mix."""
    signed: bool = False
    timed: bool = False
    leak_mb: float = Field(0.0, ge=0)
    """MiB of memory that each batch takes and never frees, like a model that leaks."""
    memory_items: int = Field(0, ge=0)
    """More inputs than this at once raise `MemoryError`; 0: no limit."""
