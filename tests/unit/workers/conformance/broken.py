"""Adapters that are wrong in one way each, and one that is right; the tests of the check run them."""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from tasks.catalog import ModelEntry
from tasks.errors import InvalidInput, MissingExtra
from tasks.messages import ParagraphRequest, SummaryPartRequest
from workers.adapters.base import Adapter, Cancelled, Offer
from workers.adapters.inference import File, InferenceAdapter, InferRequest, Input
from workers.adapters.outputs import Sound, Written


class Right(Adapter[SummaryPartRequest, Written]):
    """Writes a text in capitals."""

    craft = "summary"
    version = "1"

    def __init__(self, entry: ModelEntry, device: str) -> None:
        super().__init__(entry, device)
        self.loads = 0

    def load(self) -> Offer:
        """Nothing is loaded."""
        self.loads += 1
        return Offer("right-1")

    def check(self, item: SummaryPartRequest) -> None:
        """No text is refused."""
        if not item.text:
            raise InvalidInput("text: is empty")

    def prepare(self, item: SummaryPartRequest) -> Any:
        """A list of its words."""
        return item.text.split()

    def run(self, batch: Sequence[Any]) -> Sequence[Any]:
        """In capitals."""
        return [Cancelled() if self.is_cancelled(index) else self.one(item) for index, item in enumerate(batch)]

    def one(self, item: list[str]) -> Any:
        """One of them."""
        return Written(" ".join(item).upper(), len(item))

    def unload(self) -> None:
        """Nothing is held."""


class Nameless(Right):
    """Its version is no text."""

    version = ""


class OfNoCraft(Right):
    """Its craft does not exist."""

    craft = "weaving"


class WithoutCraft(Adapter[SummaryPartRequest, Written]):
    """It names no craft."""

    version = "1"

    def load(self) -> Offer:
        """As it should be."""
        return Offer("1")

    def run(self, batch: Sequence[Any]) -> Sequence[Any]:
        """As it should be."""
        return batch

    def unload(self) -> None:
        """As it should be."""


class WithoutPackage(Right):
    """A package is missing."""

    def check_packages(self) -> None:
        """It is named."""
        raise MissingExtra("nosuchpackage is not installed; run: pip install nosuchpackage")

    def load(self) -> Offer:
        """The import fails."""
        import nosuchpackage  # type: ignore[import-not-found]

        return Offer(str(nosuchpackage))


class NoOffer(Right):
    """Its load returns nothing."""

    def load(self) -> Any:
        """Nothing."""


class Unsendable(Right):
    """What it prepares cannot be pickled."""

    def prepare(self, item: SummaryPartRequest) -> Any:
        """A generator."""
        return (word for word in item.text.split())


class TooFew(Right):
    """It returns one outcome for any batch."""

    def run(self, batch: Sequence[Any]) -> Sequence[Any]:
        """The first one's."""
        return [self.one(batch[0])]


class Crossing(Right):
    """What its run returns cannot be pickled, and what crosses of it can."""

    def one(self, item: list[str]) -> Any:
        """A function."""
        return lambda: Written(" ".join(item), len(item))

    def crossing(self, made: Any) -> Any:
        """What it gives; an error for a text of one word."""
        written = made()
        if written.tokens_read == 1:
            raise ValueError("one word is no text")
        return written


class Nothing(Right):
    """It forgets to return."""

    def run(self, batch: Sequence[Any]) -> Any:
        """Nothing."""


class Silent(Right):
    """It has no output for an input."""

    def one(self, item: list[str]) -> Any:
        """None."""
        return None


class OtherInBatch(Right):
    """In a batch an input gets another output."""

    def run(self, batch: Sequence[Any]) -> Sequence[Any]:
        """All with the longest text."""
        return [self.one(max(batch, key=len))] * len(batch)


class Raises(Right):
    """One unusual input fails its whole batch."""

    def one(self, item: list[str]) -> Any:
        """Signs are too much for it."""
        if item == ["😀"]:
            raise KeyError("😀")
        return super().one(item)


class Sloppy(Right):
    """It takes what it should refuse; and its refusals are Python's own errors."""

    craft = "speech"

    def check(self, item: Any) -> None:
        """The wrong class of error."""
        if item.voice == "no-such-voice":
            raise KeyError(item.voice)

    def load(self) -> Offer:
        """One voice."""
        return Offer("sloppy", 22050, {"a": "en"}, "a")

    def run(self, batch: Sequence[Any]) -> Sequence[Any]:
        """A moment of silence."""
        return [Sound(np.zeros(2205, np.float32), 22050) for _ in batch]


class NotANumber(Adapter[ParagraphRequest, Sound]):
    """Its sound has a sample that is no number."""

    craft = "speech"
    version = "1"

    def load(self) -> Offer:
        """No voices."""
        return Offer("nan", 22050)

    def run(self, batch: Sequence[ParagraphRequest]) -> Sequence[Sound]:
        """Silence, with a hole."""
        return [Sound(np.array([0.0, np.nan], np.float32), 22050) for _ in batch]

    def unload(self) -> None:
        """Nothing is held."""


class Leaks(Right):
    """Each load leaves 8 MB behind."""

    kept: ClassVar[list[bytes]] = []

    def load(self) -> Offer:
        """As if a cache was never emptied."""
        self.kept.append(os.urandom(8_000_000))
        return super().load()


class OtherRevision(Right):
    """It is another model at each load."""

    def load(self) -> Offer:
        """By its count."""
        super().load()
        return Offer(f"load-{self.loads}")


class WritesToInput(Right):
    """It takes the words out of its input."""

    def one(self, item: list[str]) -> Any:
        """All but the last."""
        item.pop()
        return super().one(item)


class ChangesRequest(Right):
    """Its prepare writes to the request."""

    def prepare(self, item: SummaryPartRequest) -> Any:
        """Its text."""
        object.__setattr__(item, "text", item.text.lower())
        return item.text.split()


class NeverSame(Right):
    """It draws at random."""

    def one(self, item: list[str]) -> Any:
        """A number that never comes again."""
        return Written(f"{time.monotonic_ns()}", len(item))


class Crashes(Right):
    """Signs kill its process."""

    def one(self, item: list[str]) -> Any:
        """By a null pointer."""
        if item == ["😀"]:
            ctypes.string_at(0)
        return super().one(item)


class Exits(Right):
    """Its load ends the process."""

    def load(self) -> Offer:
        """Without a word to Python."""
        print("licence expired")
        os._exit(7)


class Hangs(Right):
    """Its warm-up never ends."""

    def warm_up(self) -> None:
        """Waits."""
        while True:
            time.sleep(0.05)


class Prints(Right):
    """It prints megabytes."""

    def load(self) -> Offer:
        """More than a pipe holds."""
        for _ in range(1_000):
            print("loading " * 1_000)
        return super().load()


class Question(Input):
    """A file, and how much of it counts."""

    file: Annotated[str, File(1_000)]
    share: Annotated[float, Field(ge=0, le=1)]


class Answers(InferenceAdapter):
    """It says how long the share of a file is."""

    version = "1"
    input_model = Question
    examples: ClassVar[Sequence[Any]] = ({"file": b"#!/bin/sh", "share": 0.5}, {"file": b"", "share": 0.0})

    def load(self) -> Offer:
        """Nothing is loaded."""
        return Offer("answers-1")

    def prepare(self, item: InferRequest) -> Any:
        """The file's length, times the share."""
        return len(self.read(item, "file")) * item.input.share

    def run(self, batch: Sequence[Any]) -> Sequence[Any]:
        """As an answer."""
        return [{"scores": [1, bytes_]} for bytes_ in batch]

    def unload(self) -> None:
        """Nothing is held."""


class Null(InferenceAdapter):
    """It answers nothing, which is JSON's null."""

    version = "1"
    examples = ("a",)

    def load(self) -> Offer:
        """Nothing is loaded."""
        return Offer("1")

    def run(self, batch: Sequence[Any]) -> Sequence[Any]:
        """Null for each."""
        return [None for _ in batch]

    def unload(self) -> None:
        """Nothing is held."""


class NoExamples(Answers):
    """It names no examples."""

    examples: ClassVar[Sequence[Any]] = ()


class LaxAnswers(Answers):
    """It takes the name of a file that is not there."""

    def prepare(self, item: InferRequest) -> Any:
        """It reads no file."""
        return item.input.share


class NanAnswers(Answers):
    """It divides by a share of nothing."""

    def run(self, batch: Sequence[Any]) -> Sequence[Any]:
        """Without a word where it is nothing."""
        return [{"scores": [1, item or float("nan")]} for item in batch]
