"""Not a model: waits for the time of a model, and returns silence of plausible length.

For dry runs, capacity planning, benchmarks and tests of faults. It sleeps, because a model on
a GPU leaves the CPU free too. A cancelled input stops within a twentieth of a second (except
for ⚡hang). The silence has 22,050 Hz and 15 characters per second at speed 1.0, and is the
same for the same input.

A sleeping model does not notice what else its process does. With `steps = N` each batch also computes N short
products of matrices (`step_size`) after its sleep. Like the steps of a decoder, each one releases Python's
interpreter and takes it again, so Python code in another thread of the process slows it down. It measures its own
loop: with `journal`, each batch writes a line with `steps`, the loop's `seconds` and `waited_s`, those of them in which
it had no core. A benchmark compares them with those of the same loop in a process of its own. Set
`OPENBLAS_NUM_THREADS=1`, or numpy may use more threads for each product.

With `faults = true` in the model's table, these words in a text cause a fault after the batch's
time is over (without this option they are normal text):

    ⚡slow=2.5   needs 2.5 seconds more
    ⚡error      the input fails with `ModelError`
    ⚡memory     the batch raises `MemoryError`, like an array that does not fit
    ⚡hog=512    allocates 512 MiB of memory, and frees it
    ⚡crash      the process dies by SIGSEGV
    ⚡killed     the process dies by SIGKILL, as if the kernel's memory killer had ended it
    ⚡hang       never returns

With `gives = "text"` it writes: it reads at most `reads_tokens` words of a text, and returns
the first `max_length` of them (by default 20).

With `gives = "answer"` it takes any JSON and returns it (`workers/adapters/rehearsal/answer.py`); words of faults may
stand in its texts. With `media_type` too, it returns the JSON as bytes of this type.

With `gives = "film"` it shows: squares of `frame_size` pixels, which tell their face, frame, background and loudness
(`workers/adapters/rehearsal/film.py`); each frame takes `seconds_per_frame`. Words of faults may stand in the name of
the face.

In a registry (`{id}` in its path) `pretended_bytes` is the memory of each model. Its file or folder is not read. Only
with `faults = true` it may have a file `fault` with such words, which then act on the load of that model.

Three options are for tests: with `journal` every input writes a line to that file at
its begin and at its end. With `signed = true` each silence begins with a few samples that
depend on its text, so that a test can find the pieces of a joined file. With `timed = true` it tells when each
sentence and word is spoken, in proportion to the characters.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

from tasks.catalog import ModelEntry
from tasks.errors import ModelError, ModelLoadError, UnknownFace, UnknownVoice
from tasks.messages import InferRequest, ParagraphRequest, StretchRequest, SummaryPartRequest
from workers.adapters.base import Adapter, Cancelled, Offer
from workers.adapters.outputs import Encoding, Film, Sound, Written
from workers.adapters.rehearsal import journal
from workers.adapters.rehearsal.answer import EXAMPLES, ToAnswer, to_answer
from workers.adapters.rehearsal.faults import leak, misbehave
from workers.adapters.rehearsal.film import ToShow, drawn, to_show, total_frames
from workers.adapters.rehearsal.options import RehearsalOptions
from workers.adapters.rehearsal.timed import pieces

SAMPLE_RATE = 22_050
CHARS_PER_S = 15.0
SIGNATURE_SAMPLES = 8

CHARS_PER_TOKEN = 6.0
"""Of an English text; a token is a word and the space after it."""
SUMMARY_TOKENS = 20

STEP_S = 0.05
"""The longest sleep between two checks for cancelling."""

Request: TypeAlias = ParagraphRequest | SummaryPartRequest | StretchRequest | InferRequest
Prepared: TypeAlias = ParagraphRequest | SummaryPartRequest | ToShow | ToAnswer


class Rehearsal(Adapter[Request, Any]):
    """Sleeps, and returns silence, words of its input, pictures that tell what they are of, or its input."""

    version = "1"
    options_model = RehearsalOptions
    options: RehearsalOptions
    examples = EXAMPLES

    def __init__(self, entry: ModelEntry, device: str) -> None:
        super().__init__(entry, device)
        self._prepared = 0
        self._is_gone = False
        """Whether it was unloaded, or let go of: whatever it is asked then fails, as with a model."""

    @property
    def craft(self) -> str:
        """The craft, by the option `gives`."""
        return {"sound": "speech", "text": "summary", "film": "lipsync", "answer": "infer"}[self.options.gives]

    def load(self) -> Offer:
        """Sleep for `load_seconds`; raises `ModelLoadError` with `fail_load`, or for an unlisted default voice."""
        self._is_gone = False
        time.sleep(self.options.load_seconds)
        fault = Path(self.entry.path, "fault") if self.entry.path and self.options.faults else None
        if fault is not None and fault.is_file():
            misbehave(fault.read_text(encoding="utf-8"), time.sleep)
        if self.options.fail_load:
            raise ModelLoadError(f"{self.entry.place} fail_load is set")
        voices = self.options.voices
        default = self.entry.voice or (voices[0] if voices else None)
        try:
            self._check_voice(default)
        except UnknownVoice as exc:
            raise ModelLoadError(f"{self.entry.place} {exc}") from exc
        revision = self.entry.revision or "rehearsal"
        if self.options.gives == "text":
            per_token = {"en": CHARS_PER_TOKEN, "vi": CHARS_PER_TOKEN / 2}
            return Offer(f"{revision}+text", 0, reads_tokens=self.options.reads_tokens, chars_per_token=per_token)
        if self.options.gives == "film":
            revision += f"+film{self.options.frame_size}"
            return Offer(revision, voices=dict.fromkeys(voices, "und"), default_voice=default)
        if self.options.gives == "answer":
            return Offer(f"{revision}+answer{self.options.media_type}")
        return Offer(
            revision=revision + "+signed" * self.options.signed + "+timed" * self.options.timed,
            sample_rate=SAMPLE_RATE,
            voices=dict.fromkeys(voices, "und"),
            default_voice=default,
        )

    def check(self, item: Request) -> None:
        """Raise `UnknownVoice` for a voice that is not in `voices`, `UnknownFace` for such a face."""
        if isinstance(item, ParagraphRequest):
            self._check_voice(item.voice)
        elif isinstance(item, StretchRequest):
            self._check_face(item.face)

    def length(self, item: Request) -> float:
        """The characters of a text, the frames of a stretch, or the size of an input."""
        return item.input_size()

    def prepare(self, item: Request) -> Prepared:
        """A text as it is; of a stretch, how loud each frame is; an input with its JSON."""
        self._check_there()
        self._prepared += 1
        match item:
            case StretchRequest():
                return to_show(item, self.read_artifact)
            case InferRequest():
                return to_answer(item)
            case _:
                return item

    def run(self, batch: Sequence[Prepared]) -> Sequence[Any]:
        """Sleep for the batch's time; return silence, words, what to show, the answer, or an error for each input."""
        self._check_there()
        self._note("began", batch)
        leak(self.options.leak_mb)
        if 0 < self.options.memory_items < len(batch):
            raise MemoryError(f"{len(batch)} inputs; memory_items is {self.options.memory_items}")
        chars = sum(len(item.text) for item in batch if not isinstance(item, ToShow))
        seconds = self.options.seconds + self.options.seconds_per_char * chars
        with contextlib.suppress(Cancelled):
            self._spend(seconds + self.options.seconds_per_frame * total_frames(batch), range(len(batch)))
            if self.options.steps:
                self._step(range(len(batch)))
        outcomes = [self._outcome(index, item) for index, item in enumerate(batch)]
        self._note("ended", batch)
        return outcomes

    def finish(self, item: Request, made: Any) -> Any:
        """What was made as it is; of a stretch its pictures, drawn one by one."""
        if not (isinstance(made, ToShow) and isinstance(item, StretchRequest)):
            return made
        pictures = drawn(made, self.options.frame_size, self._check_there)
        return Film(pictures, item.frames, Encoding(preset="ultrafast"), item.pictures, item.start)

    def stats(self) -> dict[str, int]:
        """How many inputs it has made ready."""
        return {"prepared": self._prepared} if self._prepared else {}

    def memory_bytes(self) -> int:
        """The option `pretended_bytes`."""
        return self.options.pretended_bytes

    def unload(self) -> None:
        """Sleep for `unload_seconds`; there is nothing to free."""
        self._is_gone = True
        time.sleep(self.options.unload_seconds)

    def detach(self) -> None:
        """There is nothing to end."""
        self._is_gone = True

    def _check_there(self) -> None:
        if self._is_gone:
            raise ModelError(f"{self.entry.voice or self.entry.name} was unloaded while it was in use")

    def _check_voice(self, voice: str | None) -> None:
        voices = self.options.voices
        if voices and voice is not None and voice not in voices:
            raise UnknownVoice(f"voice: the rehearsal has no voice {voice!r}; it has: {', '.join(voices)}")

    def _check_face(self, face: str | None) -> None:
        voices = self.options.voices
        if voices and face not in (None, *voices):
            raise UnknownFace(f"face: the rehearsal has no face {face!r}; it has: {', '.join(voices)}")

    def _outcome(self, index: int, item: Prepared) -> Any:
        if self.is_cancelled(index):
            return Cancelled()
        try:
            if isinstance(item, ParagraphRequest):
                self._check_voice(item.voice)
            if self.options.faults:
                misbehave(item.text, lambda seconds: self._spend(seconds, [index]))
        except (UnknownVoice, ModelError, Cancelled) as exc:
            return exc
        match item:
            case ToShow():
                return item
            case ToAnswer():
                return item.answer(self.options.media_type)
            case SummaryPartRequest():
                return self._words(item)
            case ParagraphRequest():
                return self._silence(item)

    def _words(self, item: SummaryPartRequest) -> Written:
        words = item.text.split()
        read = words[: self.options.reads_tokens]
        return Written(" ".join(read[: item.max_length or SUMMARY_TOKENS]), len(read), len(read) < len(words))

    def _silence(self, item: ParagraphRequest) -> Sound:
        import numpy as np

        frames = max(SIGNATURE_SAMPLES, round(len(item.text) / CHARS_PER_S / item.speed * SAMPLE_RATE))
        samples = np.zeros(frames, dtype=np.float32)
        if self.options.signed:
            samples[:SIGNATURE_SAMPLES] = signature(item.text)
        return Sound(samples, SAMPLE_RATE, pieces(item.text, frames / SAMPLE_RATE) if self.options.timed else ())

    def _spend(self, seconds: float, indices: Sequence[int]) -> None:
        """Sleep; raises `Cancelled` as soon as all these inputs are cancelled."""
        ends_s = time.monotonic() + seconds
        while (left_s := ends_s - time.monotonic()) > 0:
            if all(map(self.is_cancelled, indices)):
                raise Cancelled
            time.sleep(min(left_s, STEP_S))

    def _step(self, indices: Sequence[int]) -> None:
        """Compute the short products; raises `Cancelled` as soon as all these inputs are cancelled."""
        import numpy as np

        size = self.options.step_size
        matrix = np.full((size, size), 0.5, dtype=np.float32)
        product = np.empty_like(matrix)
        waited_s = _waited_s()
        began_s = looks_at_s = time.monotonic()
        for _ in range(self.options.steps):
            np.matmul(matrix, matrix, out=product)
            if (now_s := time.monotonic()) > looks_at_s:
                looks_at_s = now_s + STEP_S
                if all(map(self.is_cancelled, indices)):
                    raise Cancelled
        took = {"seconds": time.monotonic() - began_s, "waited_s": _waited_s() - waited_s}
        self._write([{"what": "stepped", "steps": self.options.steps, **took}])

    def _note(self, what: str, batch: Sequence[Prepared]) -> None:
        """Write one line per input to the journal."""
        self._write([{"what": what, "text": journal.digest(item.text)} for item in batch])

    def _write(self, lines: Sequence[dict[str, object]]) -> None:
        if self.options.journal:
            journal.write(self.options.journal, lines)


def signature(text: str) -> list[float]:
    """The first samples of a signed silence: none is zero, and each text has its own."""
    return [(byte + 1) / 512 for byte in hashlib.sha256(text.encode()).digest()[:SIGNATURE_SAMPLES]]


def _waited_s() -> float:
    """How long this thread was ready to run and had no core, since its start."""
    with contextlib.suppress(OSError, IndexError):  # Linux has it, if it is built with it
        return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9
    return 0.0
