"""Turns of people who speak with faces: when each begins, and which frames of its film were out in time. Pure.

A person says something, and the face answers with a film of a few seconds: a turn. Frame i of it is in time if it is
out by `FIRST_S` + i / 25 s after the turn began, so that the film can be shown without a stop from `FIRST_S` on. Frames
come out by stretches: all of a stretch at once.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

FPS = 25
FIRST_S = 1.0
"""How long after its turn's begin a film's first frame may come out."""


@dataclass(eq=False)
class Turn:
    """One turn: when it shall begin, when it began, and when each stretch of its film was out, by one clock."""

    person: int
    planned_s: float
    stretches: int
    began_s: float = 0.0
    opened_s: float = 0.0
    out_s: dict[int, float] = field(default_factory=dict)
    """When stretch k (from 0) was out."""
    whole_s: float | None = None
    """When the whole film was there, with its sound."""

    @property
    def is_out(self) -> bool:
        """Whether every stretch is."""
        return len(self.out_s) == self.stretches

    def lateness_s(self) -> list[float]:
        """Of each stretch: how much later than its first frame was due it came out; below 0: earlier."""
        return [at - (self.began_s + FIRST_S + stretch) for stretch, at in sorted(self.out_s.items())]

    def frames_in_time(self) -> int:
        """How many of its frames, 25 a stretch, were in time."""
        return sum(sum(late_s <= frame / FPS for frame in range(FPS)) for late_s in self.lateness_s())


@dataclass(frozen=True)
class Shares:
    """What became of all turns."""

    turns: int
    frames: float
    """Of all frames in time."""
    first: float
    """Of all turns whose first frame was in time."""
    smooth: float
    """Of all turns of which every frame was in time."""
    worst_late_s: float
    """The latest frame of all: how long after it was due."""
    unlucky: float
    """The person with the fewest frames in time: their share."""
    left_behind: int
    """People whose last film did not come out."""


def schedule(people: int, lasts_s: float, period_s: float, speaks_s: float, seed: int = 7) -> list[Turn]:
    """Turns of so many people who each speak once in `period_s`, at a chance moment of it; in order of their begins.

    A person's turns are never nearer than `speaks_s`.
    """
    chance = random.Random(seed)
    turns = []
    for person in range(people):
        phase_s, at_s = chance.uniform(0, period_s), -period_s
        for number in range(int(lasts_s / period_s) + 1):
            planned_s = number * period_s + phase_s + chance.uniform(-0.2, 0.2) * period_s
            at_s = max(planned_s, at_s + speaks_s, 0.0)
            if at_s < lasts_s:
                turns.append(Turn(person, at_s, round(speaks_s)))
    return sorted(turns, key=lambda turn: turn.planned_s)


def shares(turns: Sequence[Turn]) -> Shares:
    """Of these turns; a stretch that never came out is in time for no frame."""
    frames = {turn.person: [0, 0] for turn in turns}
    for turn in turns:
        frames[turn.person][0] += turn.frames_in_time()
        frames[turn.person][1] += FPS * turn.stretches
    last = {turn.person: turn for turn in sorted(turns, key=lambda turn: turn.planned_s)}
    in_time = sum(good for good, _ in frames.values())
    return Shares(
        turns=len(turns),
        frames=in_time / sum(total for _, total in frames.values()),
        first=sum(turn.out_s.get(0, float("inf")) <= turn.began_s + FIRST_S for turn in turns) / len(turns),
        smooth=sum(turn.frames_in_time() == FPS * turn.stretches for turn in turns) / len(turns),
        worst_late_s=max((late_s for turn in turns for late_s in turn.lateness_s()), default=0.0),
        unlucky=min(good / total for good, total in frames.values()),
        left_behind=sum(not turn.is_out for turn in last.values()),
    )
