"""Speech: a text becomes a WAV file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tasks.errors import NothingToSpeak
from tasks.flow.payloads import input_fields
from tasks.media import audio
from tasks.messages import ParagraphRequest
from tasks.messages.voices import voice_missing
from tasks.store.names import JSON
from tasks.text.normalise import is_speakable
from workers.adapters.base import Sound, SpeechInput
from workers.child.crafts.base import Craft

if TYPE_CHECKING:
    from tasks.catalog import ModelEntry
    from tasks.flow.ledger.record import Taken
    from workers.child.models.base import LoadedModel


class Speech(Craft[ParagraphRequest, SpeechInput, Sound]):
    """`speech.paragraph`."""

    kind = "speech"
    extension = "wav"

    def asked(self, fields: Mapping[str, Any]) -> ParagraphRequest:
        """The task's fields, checked."""
        return ParagraphRequest.parse(dict(fields))

    def asked_of_part(self, taken: Taken) -> ParagraphRequest:
        """The part's text, spoken as its whole chapter is, or as it says itself."""
        if own := input_fields(taken.payload):
            return ParagraphRequest.parse(own)
        shared = {name: taken.params.get(name) for name in ("model", "voice", "speed")}
        return ParagraphRequest.parse({**shared, "text": taken.payload[1:]})

    def variant(self, entry: ModelEntry, asked: ParagraphRequest) -> str | None:
        """The voice, where each voice is a model of its own; raises `InvalidInput` where none is named."""
        if not entry.is_registry:
            return None
        voice = asked.voice or entry.voice
        if voice is None:
            raise voice_missing(entry.name)
        return voice

    def item(self, model: LoadedModel, asked: ParagraphRequest) -> SpeechInput:
        """The text without the space around it, and the voice that is meant where none is named."""
        text = asked.text.strip()
        if not is_speakable(text):
            raise NothingToSpeak("text: nothing to speak (no letter and no digit in it)")
        return SpeechInput(text, asked.voice or model.entry.voice or model.offer.default_voice, asked.speed)

    def ingredients(self, item: SpeechInput) -> Mapping[str, JSON]:
        """Voice, speed and text."""
        return {"voice": item.voice, "speed": item.speed, "text": item.text}

    def words(self, item: SpeechInput) -> str:
        """The text's beginning."""
        return item.text[:40]

    def encode(self, made: Sound) -> tuple[bytes, Mapping[str, JSON]]:
        """A WAV file; its sample rate in Hz and its frames."""
        data = audio.encode_wav(made.samples, made.sample_rate)
        return data, {"sample_rate": made.sample_rate, "frames": len(made.samples)}
