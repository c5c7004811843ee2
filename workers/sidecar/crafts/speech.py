"""Speech: a text becomes a WAV file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tasks.errors import NothingToSpeak
from tasks.media import audio
from tasks.media.pieces import PIECES
from tasks.messages import ParagraphRequest
from tasks.messages.speech import SPEECH
from tasks.messages.voices import voice_missing
from tasks.store.names import JSON
from tasks.text.normalise import is_speakable
from workers.adapters.outputs import Sound
from workers.sidecar.crafts.base import SlotCraft
from workers.sidecar.crafts.times import checked

if TYPE_CHECKING:
    from tasks.catalog import ModelEntry
    from workers.sidecar.crafts.base import KnownModel


class SpeechCraft(SlotCraft[ParagraphRequest, Sound]):
    """`speech.paragraph`."""

    craft = SPEECH
    extension = "wav"

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

    def warm_up(self) -> None:
        """Encode one sample of silence."""
        import numpy as np

        audio.encode_wav(np.zeros(1, np.float32), 8000)


CRAFT = SpeechCraft()
