"""Real speech on a CPU by espeak-ng: about a hundred languages, 22,050 Hz mono.

Voices have the library's own names (`vi`, `vi-vn-x-south`, `en-us`); upper and lower case
do not matter. SSML and [[phonemes]] in a text are not interpreted. Silence is not trimmed: the
library adds about 12 ms before a text and 7 ms after it, 110 ms where a quote begins or ends
it, and at most 350 ms (measured with 1,631 paragraphs). The same text differs in a few samples
from call to call.

Speed is a factor of the library's words per minute, not an exact factor of the length: in
English the difference is below a tenth; Vietnamese is up to a third shorter between 2 and 2.6.
Below 80 words per minute (speed 0.46) the library does not become slower. It is GPL, so it is
an extra. Its state belongs to the process, so a process can have one loaded `Espeak`.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence

from pydantic import Field

from tasks.catalog import ModelEntry
from tasks.errors import InvalidInput, MissingExtra, ModelError, ModelLoadError, SlotlineError, UnknownVoice
from tasks.messages import ParagraphRequest
from workers.adapters import packages
from workers.adapters.base import Adapter, Cancelled, Offer, Options
from workers.adapters.espeak.library import SLOWEST_WPM, Library, LibraryError, LibraryVoice
from workers.adapters.outputs import Sound

INSTALL = "pip install 'slotline[espeak]'"
DEFAULT_VOICE = "en-us"

VOLUME = 70
"""Per cent. With the library's default of 100 the southern Vietnamese voice is clipped; with 70 its
loudest sample is 0.94. If you change it, change `Espeak.version` too."""


class EspeakOptions(Options):
    """Options in `[models.NAME]`."""

    words_per_minute: int = Field(175, ge=SLOWEST_WPM, le=450)
    """The rate at speed 1.0."""


class Espeak(Adapter[ParagraphRequest, Sound]):
    """espeak-ng; the texts of a batch are spoken one after another."""

    craft = "speech"
    version = "1"
    options_model = EspeakOptions
    options: EspeakOptions
    licence = "GPL-3.0-or-later"

    def __init__(self, entry: ModelEntry, device: str) -> None:
        super().__init__(entry, device)
        self._library: Library | None = None
        self._voices: Mapping[str, LibraryVoice] = {}
        self._names: Collection[str] = ()
        """The names of all voices, also where the library is not open."""
        self._in_use: tuple[str, int] | None = None

    def check_packages(self) -> None:
        """Raise `MissingExtra` without the package that brings the library."""
        packages.require(("espeakng_loader",), self.entry.place, INSTALL)

    def load(self) -> Offer:
        """Open the library; raises `MissingExtra`, or `ModelLoadError` (also for an unknown default voice)."""
        try:
            import espeakng_loader
        except ImportError as exc:
            raise MissingExtra(f"{self.entry.place} espeak-ng is not installed; run: {INSTALL}") from exc
        self.unload()
        try:
            self._library = Library.open(espeakng_loader.get_library_path(), espeakng_loader.get_data_path())
        except (LibraryError, RuntimeError) as exc:  # the loader raises RuntimeError if its data is missing
            raise ModelLoadError(f"{self.entry.place} espeak-ng: {exc}") from exc
        self._voices = _by_name(self._library.voices())
        self._names = self._voices.keys()
        try:
            self._known(None)
        except UnknownVoice as exc:
            self.unload()
            raise ModelLoadError(f"{self.entry.place} {exc}") from exc
        return Offer(
            revision=self._revision(self._library),
            sample_rate=self._library.sample_rate,
            voices={name: voice.languages[0] for name, voice in sorted(self._voices.items())},
            default_voice=self._default_voice,
        )

    def attach(self, offer: Offer) -> None:
        """Keep the names of the library's voices."""
        self._names = offer.voices.keys()

    def warm_up(self) -> None:
        """Speak one word in the default voice; raises `ModelLoadError` if this gives no sound."""
        outcome = self.run([ParagraphRequest(model=self.entry.name, text="1")])[0]
        if isinstance(outcome, Exception):
            raise ModelLoadError(f"{self.entry.place} {outcome}") from outcome

    def check(self, item: ParagraphRequest) -> None:
        """Raise `UnknownVoice` for a voice that the library does not have."""
        self._known(item.voice)

    def run(self, batch: Sequence[ParagraphRequest]) -> Sequence[Sound | Exception]:
        """Speak each text; returns `UnknownVoice`, `InvalidInput` (no sound) or `ModelError` for one that failed."""
        if self._library is None:
            raise ModelError("espeak-ng is not loaded")
        outcomes: list[Sound | Exception] = []
        for index, item in enumerate(batch):
            if self.is_cancelled(index):
                outcomes.append(Cancelled())
                continue
            try:
                outcomes.append(self._speak(self._library, item))
            except SlotlineError as exc:
                outcomes.append(exc)
        return outcomes

    def unload(self) -> None:
        """Close the library, if it is open."""
        library, self._library = self._library, None
        self._voices, self._names, self._in_use = {}, (), None
        if library is not None:
            library.close()

    def _speak(self, library: Library, item: ParagraphRequest) -> Sound:
        import numpy as np

        wanted = (self._voices[self._known(item.voice)].identifier, self._rate(item.speed))
        try:
            if wanted != self._in_use:
                self._in_use = None  # after a refused voice the state of the library is unknown
                library.use(*wanted, VOLUME)
                self._in_use = wanted
            spoken = np.frombuffer(library.speak(item.text), dtype=np.int16)
        except LibraryError as exc:
            raise ModelError(f"text: {exc}") from exc
        if not spoken.any():
            voice = item.voice or self._default_voice
            raise InvalidInput(f"text: gives no sound in the voice {voice!r} (text begins {item.text[:40]!r})")
        return Sound(spoken.astype(np.float32) / np.float32(32768), library.sample_rate)

    @property
    def _default_voice(self) -> str:
        return (self.entry.voice or DEFAULT_VOICE).lower()

    def _known(self, voice: str | None) -> str:
        """The voice's name as the library has it, by default the default voice; raises `UnknownVoice`."""
        name = self._default_voice if voice is None else voice.lower()
        if name in self._names:
            return name
        near = difflib.get_close_matches(name, self._names, n=3) or [DEFAULT_VOICE, "vi"]
        raise UnknownVoice(
            f"voice: espeak-ng has no voice {voice or name!r}; nearest: {', '.join(near)}"
            f" ({len(self._names)} in all, named by language)"
        )

    def _rate(self, speed: float) -> int:
        return max(SLOWEST_WPM, round(self.options.words_per_minute * speed))

    def _revision(self, library: Library) -> str:
        """What else determines the sound: the library, its data, and the options."""
        base = self.entry.revision or f"espeak-ng-{library.version}-{library.data_digest()}"
        return f"{base}-{self.options.words_per_minute}wpm"


def _by_name(voices: Sequence[LibraryVoice]) -> dict[str, LibraryVoice]:
    """Voices by their file's name in lower case, and by their main language if no file has that name."""
    by_file = {voice.identifier.rpartition("/")[2].lower(): voice for voice in voices}
    return {voice.languages[0]: voice for voice in reversed(voices)} | by_file
