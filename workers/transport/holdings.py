"""What a slot tells the other slots of its queue: which models it has loaded, and how long a load takes.

The reserve reads it (`lua/_prefer.lua`): a slot that lacks a model leaves its messages to the slots that have it. It
holds for `HOLDS_S`; so it must be told again before that, and what a frozen or dead slot told is soon forgotten. Knows
nothing of Celery, and loads nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from redis import Redis

from tasks.redis import keys
from tasks.redis.scripts import Scripts

HOLDS_S = 15.0
"""For how long what a slot told is believed."""

Loaded = Literal["", "loaded", "unloaded", "registry"]
"""What a slot has loaded, for its reserve: its one model or not, some models of a registry; empty: it does not say."""

THE_MODEL = ""
"""The word of a queue's one model."""


@dataclass(frozen=True)
class Holding:
    """What a slot has loaded: the models' words, how many more models of a registry fit, and the seconds of a load.

    `room` is None for a slot with one model, and for one that takes no messages; `load_s` is None if it is not known.
    """

    words: frozenset[str] = frozenset()
    room: int | None = None
    load_s: float | None = None


class Holdings:
    """Tells it for one slot, `holder` as the transport names it. The time of a load is remembered for `kept_s`."""

    def __init__(self, client: Redis, holder: str, queue: str, kept_s: float) -> None:
        self._scripts = Scripts(client, "workers.transport", shared=("set_aside", "delayed"))
        self._holder = holder
        self._queue = queue
        self._kept_s = kept_s
        self._told: frozenset[str] = frozenset()

    def tell(self, holding: Holding) -> None:
        """Replace what was told before; raises redis-py's errors, and then nothing has changed or all."""
        gone = sorted(self._told - holding.words)
        self._told |= holding.words  # it may have been told although no answer comes
        room = "-" if holding.room is None else str(holding.room)
        load_ms = 0 if holding.load_s is None else max(1, round(holding.load_s * 1000))
        args = [self._holder, self._queue, int(HOLDS_S * 1000), room, load_ms, int(self._kept_s * 1000)]
        words = [len(gone), *gone, *sorted(holding.words)]
        self._scripts.run("tell", [keys.HELD, keys.LEASES], [*args, *words])
        self._told = holding.words
