"""Speech: a text becomes a WAV file."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from tasks.errors import ModelError, NothingToSpeak
from tasks.media import audio
from tasks.media.pieces import PIECES
from tasks.messages import ParagraphRequest
from tasks.messages.speech import SPEECH
from tasks.messages.voices import voice_missing
from tasks.store.names import JSON
from tasks.text.normalise import is_speakable
from workers.adapters.outputs import Sound
from workers.sidecar.crafts.base import SlotCraft
from workers.sidecar.crafts.examples import Examples, Fields, text_for
from workers.sidecar.crafts.times import checked

if TYPE_CHECKING:
    from tasks.catalog import ModelEntry
    from workers.adapters.base import AnyAdapter, Offer
    from workers.sidecar.crafts.base import KnownModel


class SpeechCraft(SlotCraft[ParagraphRequest, Sound]):
    """`speech.paragraph`."""

    craft = SPEECH
    extension = "wav"
    tolerance = 0.02

    def variant(self, entry: ModelEntry, request: ParagraphRequest) -> str | None:
        """The voice, if each voice is a model of its own; raises `InvalidInput` if none is named."""
        if not entry.is_registry:
            return None
        voice = request.voice or entry.voice
        if voice is None:
            raise voice_missing(entry.name)
        return voice

    def ready(self, model: KnownModel, request: ParagraphRequest) -> ParagraphRequest:
        """The text without white space at its ends, and the default voice if none is named."""
        text = request.text.strip()
        if not is_speakable(text):
            raise NothingToSpeak("text: nothing to speak (no letter and no digit in it)")
        voice = request.voice or model.entry.voice or model.offer.default_voice
        return request.model_copy(update={"text": text, "voice": voice})

    def encode(self, made: Sound) -> tuple[bytes, Mapping[str, JSON]]:
        """A WAV file; its sample rate in Hz, its frames, and its pieces if the adapter told them.

        Raises `ModelError` for pieces whose times cannot be those of the sound.
        """
        details: dict[str, JSON] = {"sample_rate": made.sample_rate, "frames": len(made.samples)}
        if made.pieces:
            details[PIECES] = checked(made.pieces, len(made.samples) / made.sample_rate)
        return audio.encode_wav(made.samples, made.sample_rate), details

    def examples(self, adapter: AnyAdapter, offer: Offer) -> Examples:
        """Texts in the language of the default voice, one in another voice, one faster; no text, and no such voice."""
        default = adapter.entry.voice or offer.default_voice
        texts = text_for(offer.voices.get(default or "", "en"))
        good: list[Fields] = [*({"text": text} for text in texts), {"text": texts[0], "speed": 1.4}]
        for other in [name for name in offer.voices if name != default][:1]:
            good.append({"text": text_for(offer.voices[other])[1], "voice": other})
        refused = [{"text": ""}, {"text": " … "}, *([{"text": "1", "voice": "no-such-voice"}] if offer.voices else [])]
        return Examples(good, [{"text": text} for text in ("😀 1", "Чайка", "a" * 100, "1")], refused)

    def seen(self, made: Sound) -> JSON:
        """Its length; raises `ModelError` for samples that are not float32 mono in −1..1."""
        import numpy as np

        if not isinstance(made, Sound):
            raise ModelError(f"it is no Sound, but {type(made).__name__}")
        samples = made.samples
        if getattr(samples, "dtype", None) != np.float32 or samples.ndim != 1:
            kind = f"{getattr(samples, 'dtype', type(samples).__name__)} {list(np.shape(samples))}"
            raise ModelError(f"samples: they have to be float32 mono [n], not {kind}")
        if not 8_000 <= made.sample_rate <= 192_000:
            raise ModelError(f"sample_rate: {made.sample_rate} Hz is no sample rate of speech")
        loudest = float(np.abs(samples).max(initial=0.0))
        if not math.isfinite(loudest):
            return {"samples": loudest}
        if loudest > 1.0:
            raise ModelError(f"samples: the loudest is {loudest:.3g}; they have to be in -1..1")
        return {"seconds": len(samples) / made.sample_rate, "pieces": len(made.pieces)}

    def warm_up(self) -> None:
        """Encode one sample of silence."""
        import numpy as np

        audio.encode_wav(np.zeros(1, np.float32), 8000)


CRAFT = SpeechCraft()
