"""When each piece and each word of a spoken text begins and ends. Pure; in seconds from the beginning of the sound.

Pieces follow each other without a gap, and so do the words of a piece: the silence before the first word and after the
last one counts to that word; a pause at a comma to the word before it, and a space half to each of its words. So the
times add up to the real length.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise

from workers.adapters.kokoro.engine import SAMPLE_RATE, Made
from workers.adapters.kokoro.prepared import Piece
from workers.adapters.outputs import TimedPiece, TimedWord


def timed(pieces: Sequence[Piece], made: Sequence[Made]) -> tuple[TimedPiece, ...]:
    """The times of pieces that were spoken one after the other; with words where the model told durations."""
    ends = [samples / SAMPLE_RATE for samples in accumulate((len(one.samples) for one in made), initial=0)]
    return tuple(
        TimedPiece(piece.text, start_s, end_s, _words(piece, one, start_s, end_s))
        for piece, one, (start_s, end_s) in zip(pieces, made, pairwise(ends), strict=True)
    )


def _words(piece: Piece, made: Made, start_s: float, end_s: float) -> tuple[TimedWord, ...]:
    if not piece.words or not made.durations:
        return ()
    # Symbol 0 stands before the first phoneme, so phoneme n is symbol n + 1 and begins where symbol n ends.
    frames = list(accumulate(made.durations, initial=0))[1:]
    frame_s = (len(made.samples) + sum(made.cut)) / SAMPLE_RATE / frames[-1]
    zero_s = start_s - made.cut[0] / SAMPLE_RATE
    between = (_space(piece.phonemes, one.end, other.start) for one, other in pairwise(piece.words))
    inner = (zero_s + (frames[begin] + frames[end]) / 2 * frame_s for begin, end in between)
    edges = [start_s, *(min(max(edge_s, start_s), end_s) for edge_s in inner), end_s]
    return tuple(TimedWord(word.text, *edge) for word, edge in zip(piece.words, pairwise(edges), strict=True))


def _space(phonemes: str, begin: int, end: int) -> tuple[int, int]:
    """The last space between two words, whose phonemes end and begin there; if there is none, all between them."""
    space = phonemes.rfind(" ", begin, end)
    return (begin, end) if space < 0 else (space, space + 1)
