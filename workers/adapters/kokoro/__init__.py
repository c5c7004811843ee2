"""Speech in nine languages by Kokoro: 24,000 Hz mono, on a GPU or a CPU, by one of two engines.

`path` is the model's folder: weights, `config.json` and voices. Nothing is downloaded. A text becomes phonemes in the
process beside the model's, and the model speaks them piece by piece; the sound tells when each piece, and each word
where the model tells durations, begins and ends. Nothing of a text is lost: what was spoken is compared with what was
to be spoken. The texts of a batch are spoken one by one, because no form of the model computes several at once.

A text that cannot be spoken and a voice that cannot be used cost their own input only. Importing this module is cheap.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence

from tasks.catalog import ID, ModelEntry
from tasks.errors import CatalogError, InvalidInput, MissingExtra, ModelError, ModelLoadError, SlotlineError
from tasks.messages import ParagraphRequest
from tasks.store.names import JSON
from workers.adapters import hardware, packages, weights
from workers.adapters.base import Adapter, Offer
from workers.adapters.kokoro import files, voices
from workers.adapters.kokoro.engine import SAMPLE_RATE, Engine
from workers.adapters.kokoro.onnx_engine import OnnxEngine
from workers.adapters.kokoro.options import KokoroOptions
from workers.adapters.kokoro.prepared import PreparedText
from workers.adapters.kokoro.reading import Reader, Told
from workers.adapters.kokoro.speaking import Speaker
from workers.adapters.kokoro.text.languages import LANGUAGES, Language, language_of_voice
from workers.adapters.kokoro.torch_engine import TorchEngine
from workers.adapters.model_boundary import outcome_of
from workers.adapters.outputs import Sound

logger = logging.getLogger(__name__)

USUAL_VOICE = "af_heart"

PACKAGES = {"onnx": ("onnxruntime",), "torch": ("torch", "kokoro")}

WARM_UP = {"cpu": (12,), "cuda": (12, 100, 250, 510)}
"""Kind of device -> phonemes of the warm-up's pieces. On a CPU a new length costs nothing (measured); on a GPU the
first texts of each size choose convolutions and take memory."""


class Kokoro(Adapter[ParagraphRequest, Sound]):
    """One Kokoro model."""

    craft = "speech"
    version = "1"
    options_model = KokoroOptions
    options: KokoroOptions
    devices = ("cuda", "cpu")
    idle_unload_s = 300.0

    def __init__(self, entry: ModelEntry, device: str) -> None:
        super().__init__(entry, device)
        self._folder = weights.folder_of(entry.path, entry.place, "the folder of a Kokoro model")
        if entry.is_registry:
            raise CatalogError(f"{entry.place} path: one folder has all voices of a Kokoro model, so it has no {ID}")
        self._speaker: Speaker | None = None
        self._reader: Reader | None = None
        self._default_voice = ""

    def check_files(self) -> None:
        """Raise `ModelLoadError` without weights, a vocabulary or a voice."""
        self._files()
        self._voices()

    def check_packages(self) -> None:
        """Raise `MissingExtra` without the engine's packages, or without those of the default voice's language."""
        kind = "onnx-gpu" if hardware.is_cuda(self.device) else "onnx"
        extra = kind if self.options.engine == "onnx" else "kokoro-torch"
        packages.require(PACKAGES[self.options.engine], self.entry.place, f"pip install 'slotline[{extra}]'")
        language = language_of_voice(self.entry.voice or USUAL_VOICE) or LANGUAGES["a"]
        if self.entry.voice is None and any(not other.lacks() for other in LANGUAGES.values()):
            return
        self._require(language)

    def load(self) -> Offer:
        """Load the model; raises `MissingExtra`, or `ModelLoadError` (also if the default voice cannot be used)."""
        self.unload()
        os.environ["HF_HUB_OFFLINE"] = "1"
        model = self._files()
        found = self._voices()
        self.check_packages()
        try:
            with weights.unchanged(model.both, self.entry.place):
                engine = self._engine(model)
                revision = self._revision(model)
            known = voices.known(found)
            self._speaker = Speaker(engine, model.vocabulary, found, known, trims=self.options.trim)
            told = Told(model.vocabulary, known, self._default(known), engine.has_whole_speeds)
            self._attach(told)
        except BaseException:
            self.unload()
            raise
        return Offer(
            revision=revision,
            sample_rate=SAMPLE_RATE,
            voices={name: LANGUAGES[name[0]].tag for name in found},
            default_voice=self._default_voice,
            languages=sorted({name[0] for name in found if not LANGUAGES[name[0]].lacks()}),
            details={"told": told},
        )

    def attach(self, offer: Offer) -> None:
        """Keep what the model told, and load what makes phonemes of the default voice's language (up to 5 s)."""
        self._attach(offer.details["told"])
        self._reading().open()

    def warm_up(self) -> None:
        """Speak fixed phonemes in the default voice; raises `ModelLoadError` if this gives no sound."""
        try:
            self._speaking().warm_up(self._default_voice, WARM_UP["cuda" if hardware.is_cuda(self.device) else "cpu"])
        except ModelError as exc:
            raise ModelLoadError(f"{self.entry.place} {exc}") from exc

    def check(self, item: ParagraphRequest) -> None:
        """Raise `UnknownVoice` or `InvalidInput`: for the voice, the speed, or a script that the voice cannot read."""
        self._reading().check(item)

    def ingredients(self, item: ParagraphRequest) -> Mapping[str, JSON]:
        """The blend in its one form, its voices' digests, and what makes the phonemes."""
        return self._reading().ingredients(item)

    def prepare(self, item: ParagraphRequest) -> PreparedText:
        """The text's phonemes in pieces, its voice and its speed."""
        return self._reading().prepare(item)

    def run(self, batch: Sequence[PreparedText]) -> Sequence[Sound | Exception]:
        """Speak each text; returns `InvalidInput`, `ModelError`, `OutOfMemory` or `Cancelled` for one that failed.

        Raises what CUDA raises when its context is broken: nothing runs in this process after it.
        """
        return [self._outcome(index, item) for index, item in enumerate(batch)]

    def unload(self) -> None:
        """Free the model's memory; the packages stay imported."""
        if self._speaker is None:
            return
        self._speaker = self._reader = None
        hardware.release(self.device)

    def _require(self, language: Language) -> None:
        try:
            language.require()
        except MissingExtra as exc:
            raise MissingExtra(f"{self.entry.place} {exc}") from exc

    def _files(self) -> files.ModelFiles:
        return files.find(self._folder, self.options.engine, self.options.file, self.entry.place)

    def _voices(self) -> dict[str, voices.VoiceFile]:
        """The voices of languages that Kokoro has; raises `ModelLoadError` if there is none."""
        wanted = self.options.voices
        found = voices.found(self._folder, wanted)
        spoken = {name: file for name, file in found.items() if language_of_voice(name)}
        if strange := sorted(found.keys() - spoken.keys()):
            logger.warning(
                "%s voices without a language, because no language has their first letter: %s",
                self.entry.place,
                ", ".join(strange),
            )
        if not spoken:
            raise ModelLoadError(
                f"{self.entry.place} voices: {self._folder / (wanted or 'voices')} holds no voice (.bin, .pt, .npz);"
                f" {files.get_them(self.options.engine)}"
            )
        return spoken

    def _engine(self, model: files.ModelFiles) -> Engine:
        options, device, place = self.options, self.device, self.entry.place
        threads = hardware.threads(options.threads, device)
        try:
            if options.engine == "torch":
                return TorchEngine(model.weights, model.config, device, threads, options.seed, place)
            return OnnxEngine(model.weights, device, threads, place)
        except SlotlineError:
            raise
        except Exception as exc:  # the boundary to the model's code, whose packages have no common error
            if out_of_memory := hardware.memory_error(exc, self.device):
                raise out_of_memory from exc
            raise ModelLoadError(f"{place} path: {weights.blame(model.both, exc)}") from exc

    def _default(self, known: Mapping[str, voices.Known]) -> str:
        """The table's voice, else of those whose language is installed Kokoro's best, or the first."""
        if self.entry.voice is not None:
            return self.entry.voice
        usable = [name for name, one in known.items() if not one.fault]
        if not usable:
            raise ModelLoadError(f"{self.entry.place} voices: {next(iter(known.values())).fault}")
        speaking = [name for name in usable if not LANGUAGES[name[0]].lacks()]
        if not speaking:
            self._require(LANGUAGES[usable[0][0]])
        return USUAL_VOICE if USUAL_VOICE in speaking else speaking[0]

    def _attach(self, told: Told) -> None:
        """Raises `ModelLoadError` if the default voice cannot be used."""
        self._reader = Reader(told)
        try:
            self._default_voice = str(self._reader.blend(None))
        except InvalidInput as exc:
            raise ModelLoadError(f"{self.entry.place} {exc}") from exc

    def _reading(self) -> Reader:
        if self._reader is None:
            raise ModelError("Kokoro is not loaded")
        return self._reader

    def _speaking(self) -> Speaker:
        if self._speaker is None:
            raise ModelError("Kokoro is not loaded")
        return self._speaker

    def _outcome(self, index: int, item: PreparedText) -> Sound | Exception:
        def speak() -> Sound:
            return self._speaking().speak(item, lambda: self.is_cancelled(index))

        return outcome_of(speak, "Kokoro", item.pieces[0].text if item.pieces else "", self.device)

    def _revision(self, model: files.ModelFiles) -> str:
        """What else determines the sound. Precision and device are left out: they change less than another seed."""
        base = self.entry.revision or f"kokoro-{weights.digest(model.both)}"
        seed = f"-seed{self.options.seed}" if self.options.seed else ""
        return f"{base}-{self.options.engine}{seed}" + ("" if self.options.trim else "-untrimmed")
