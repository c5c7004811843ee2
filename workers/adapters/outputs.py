"""The outputs of models, one class per craft, which the craft turns into artifacts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tasks.media.encoding import Encoding
from tasks.media.pieces import TimedPiece, TimedWord

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Data", "Encoding", "Film", "Sound", "TimedPiece", "TimedWord", "Written"]


@dataclass(frozen=True)
class Sound:
    """Speech: `samples` float32 mono `[n]` in −1..1 at `sample_rate` Hz; its pieces, if the adapter tells them.

    Pieces follow each other without a gap: the first begins at 0, the last ends with the sound. Words lie inside their
    piece, in order. Together the texts of the pieces are the text of the input, spelt and punctuated as there, and a
    word has the marks that stand at it (`tasks/text/spelling.py: as_written` finds both).
    """

    samples: NDArray[np.float32]
    sample_rate: int
    pieces: Sequence[TimedPiece] = ()


@dataclass(frozen=True)
class Written:
    """A text of a model. The model read `tokens_read` tokens of the input; `is_cut` if that was not all of it."""

    text: str
    tokens_read: int
    is_cut: bool = False


@dataclass(frozen=True)
class Film:
    """A stretch of film: `frames` are `count` pictures, uint8 BGR `[height, width, 3]`, 25 a second.

    They may be made while they are encoded. `pictures` is the format of their files if they are wanted as pictures
    (`jpg`, `png`), and `start` the number of the first one; else `encoding` says how the film is encoded.
    """

    frames: Iterable[NDArray[np.uint8]]
    count: int
    encoding: Encoding = field(default_factory=Encoding)
    pictures: str | None = None
    start: int = 0


@dataclass(frozen=True)
class Data:
    """Bytes of a media type, such as `image/png`: an output of the craft `infer` that is no JSON."""

    data: bytes
    media_type: str
