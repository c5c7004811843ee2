"""Speaks a text that was made ready, piece by piece, on an engine of either kind. It makes no phonemes.

Guarantees: what the engine has read is what the text's phonemes are, or the text fails; a sound that can be no speech
fails too. Only the styles of voices that were asked for are in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from tasks.errors import InvalidInput, ModelError
from workers.adapters.base import Cancelled
from workers.adapters.kokoro import blends, silence, times, voices
from workers.adapters.kokoro.blends import Blend
from workers.adapters.kokoro.engine import MOST_PHONEMES, SAMPLE_RATE, Engine, Made, checked
from workers.adapters.kokoro.prepared import Piece, PreparedText
from workers.adapters.kokoro.voices import Known, VoiceFile
from workers.adapters.outputs import Sound

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WARM_UP = "ðə kwˈɪk bɹˈWn fˈɑks ʤˈʌmps ˌOvəɹ ðə lˈAzi dˈɔɡ, ænd ʃi ɹˈɛd bˈʊks. "


class Speaker:
    """A loaded engine, its vocabulary and its voices; used by one thread."""

    def __init__(
        self,
        engine: Engine,
        vocabulary: Mapping[str, int],
        files: Mapping[str, VoiceFile],
        known: Mapping[str, Known],
        *,
        trims: bool = False,
    ) -> None:
        self._engine = engine
        self._vocabulary = vocabulary
        self._symbols = {number: symbol for symbol, number in vocabulary.items()}
        self._files = files
        self._known = known
        self._trims = trims
        self._styles: dict[str, NDArray[np.float32]] = {}

    def speak(self, text: PreparedText, is_cancelled: Callable[[], bool]) -> Sound:
        """The sound of all pieces, one after the other; raises `Cancelled` between two of them."""
        import numpy as np

        if not text.pieces:
            raise ModelError("text: it was made ready without any phonemes")
        blend = blends.parse(text.voice, lambda name: voices.named(self._files, name))
        made = []
        for piece in text.pieces:
            if is_cancelled():
                raise Cancelled
            made.append(self._spoken(piece, blend, text.speed))
        said = "".join(self._said(one) for one in made)
        if said != text.phonemes:
            raise ModelError(f"text: {len(said)} phonemes were spoken of {len(text.phonemes)}")
        if self._trims:
            made = silence.shortened(made, [piece.phonemes for piece in text.pieces], text.speed)
        samples = np.concatenate([one.samples for one in made])
        # Some voices peak above 1. All pieces become quieter by the same factor, because clipped peaks would crackle.
        samples /= max(1.0, np.abs(samples).max())
        return Sound(samples, SAMPLE_RATE, times.timed(text.pieces, made))

    def warm_up(self, voice: str, lengths: tuple[int, ...]) -> None:
        """Speak pieces with that many phonemes, which are always the same."""
        known = "".join(symbol for symbol in WARM_UP if symbol in self._vocabulary) or next(iter(self._vocabulary))
        for length in lengths:
            phonemes = (known * (length // len(known) + 1))[:length]
            self.speak(PreparedText(voice, 1.0, (Piece("", phonemes),)), lambda: False)

    def _spoken(self, piece: Piece, blend: Blend, speed: float) -> Made:
        phonemes = piece.phonemes
        if not 0 < len(phonemes) <= MOST_PHONEMES:
            raise ModelError(f"text: a piece has {len(phonemes)} phonemes; 1 to {MOST_PHONEMES} can be spoken at once")
        if strange := next((symbol for symbol in phonemes if symbol not in self._vocabulary), ""):
            raise ModelError(f"text: the phoneme {strange!r} is not in the model's vocabulary")
        ids = [self._vocabulary[symbol] for symbol in phonemes]
        return checked(self._engine.speak(ids, self._style(blend, len(ids)), speed), phonemes)

    def _said(self, made: Made) -> str:
        """The symbols that the engine has read, without the 0 at both ends."""
        return "".join(self._symbols.get(number, "\0") for number in made.ids[1:-1])

    def _style(self, blend: Blend, phonemes: int) -> NDArray[np.float32]:
        """The blend's style for that many phonemes, `[256]`."""
        import numpy as np

        shares = [float(share) for share in blend.shares.values()]
        rows = [voices.style(self._table(name), phonemes) for name in blend.shares]
        if len(rows) == 1:
            return rows[0]
        return np.average(rows, axis=0, weights=shares).astype(np.float32)

    def _table(self, name: str) -> NDArray[np.float32]:
        """The voice's styles, read when it is first asked for; a file that was changed since the load is refused."""
        if name not in self._styles:
            self._styles[name] = self._read(name)
        return self._styles[name]

    def _read(self, name: str) -> NDArray[np.float32]:
        try:
            table = voices.styles(self._files[name])
        except InvalidInput as exc:
            raise _unusable(name, str(exc)) from exc
        if voices.digest(table) != self._known[name].digest:
            raise _unusable(name, f"{self._files[name]} was changed after the model was loaded")
        return table


def _unusable(name: str, why: str) -> InvalidInput:
    """Of a voice that could be used when the model was loaded."""
    again = "after slotline model unload the next request loads the model again, with the voices that are there then"
    return InvalidInput(f"voice: {name!r} cannot be used: {why}; {again}")
