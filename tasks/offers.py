"""What the live models offer (voices, sample rate), as their workers published it in Redis.

Lets a wrong voice be refused before anything is computed, by whoever asks for work. An
offer is advice: without one (no worker of that model was ready yet) a request passes,
and the model itself judges.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from tasks import keys
from tasks.errors import InvalidInput, UnknownVoice
from tasks.settings import settings

if TYPE_CHECKING:
    from redis import Redis

    from tasks.catalog import ModelEntry


@dataclass(frozen=True)
class Published:
    """A ready model, in its worker's words; `voices` maps a name to its language tag, empty when any voice may do."""

    model: str
    adapter: str
    revision: str
    sample_rate: int | None
    """In Hz; 0: it writes, None: it is known only when one of its many models is loaded."""
    voices: Mapping[str, str] = field(default_factory=dict)
    default_voice: str | None = None
    reads_tokens: int = 0
    """How many tokens of a text it reads at once; 0 where it does not say."""
    chars_per_token: Mapping[str, float] = field(default_factory=dict)
    """Language tag -> characters of such a text that are a token."""


def publish(client: Redis, offer: Published, kept_s: float | None = None) -> None:
    """Tell everybody what this model offers; kept for `kept_s` seconds, or as long as an ended job is."""
    told = json.dumps(asdict(offer), ensure_ascii=False)
    client.set(keys.offer(offer.model), told, px=int((kept_s or settings().job_ttl_s) * 1000))


def published(client: Redis, model: str) -> Published | None:
    """What the model offers, or None when no worker has said so."""
    raw = client.get(keys.offer(model))
    return Published(**json.loads(raw)) if raw else None


def check_voice(entry: ModelEntry | None, offer: Published | None, voice: str | None) -> None:
    """Raise `UnknownVoice`, naming the nearest, for a voice that the model does not have.

    Raises `InvalidInput` for none, where each voice is a model of its own. What is not known here passes.
    """
    if voice is None:
        if offer is not None and offer.sample_rate is None and offer.default_voice is None:
            raise voice_missing(offer.model)
        if entry is not None and entry.is_registry and entry.voice is None:
            raise voice_missing(entry.name)
        return
    if offer is None or not offer.voices:
        return
    if voice.lower() not in {name.lower() for name in offer.voices}:
        raise UnknownVoice(voice_error(offer.model, voice, offer.voices))


def voice_missing(model: str) -> InvalidInput:
    """The refusal of a request that names no voice, where each is a model of its own and none is the default."""
    return InvalidInput(f"voice: missing; {model!r} has a model for each voice, and names no default")


def voice_error(model: str, voice: str, voices: Mapping[str, str]) -> str:
    """The one sentence that refuses a voice."""
    if not voices:
        return f"voice: {model} has no voice {voice!r}; there is none"
    near = difflib.get_close_matches(voice.lower(), voices, n=3, cutoff=0.5) or sorted(voices)[:5]
    more = " …" if len(voices) > len(near) else ""
    return f"voice: {model} has no voice {voice!r}; it has {', '.join(near)}{more}"


def voice_for_language(offer: Published | None, language: str | None) -> str | None:
    """The offered voice that speaks a language (`vi`, `en-GB`): the very tag, else its base, else None."""
    if offer is None or not language:
        return None
    wanted, base = language.lower(), language.lower().split("-")[0]
    speakers = sorted(offer.voices.items(), key=lambda voice: (len(voice[0]), voice[0]))
    exact = [name for name, tag in speakers if tag.lower() == wanted]
    fit = exact or [name for name, tag in speakers if tag.lower().split("-")[0] == base]
    if offer.default_voice in fit:
        return offer.default_voice
    return fit[0] if fit else None
