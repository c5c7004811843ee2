"""The adapters that test_conformance.py tries, each with texts and a model that it can run here.

Texts are taken from a Vietnamese story (Nam Cao, 1941) and an English novel (P. G. Wodehouse, 1921), both in the
public domain.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tasks.catalog import ModelEntry
from tests.unit.workers.adapters.asked import read_sound, to_show, to_speak, to_summarise
from workers.adapters import adapter_of
from workers.adapters.base import AnyAdapter

ENGLISH = (
    "A gentleman called to see you when you were out last night, sir, said my landlady.",
    "Did he leave his name?",
    "He was a big man with a very large voice, and he wanted breakfast at four in the afternoon.",
)
VIETNAMESE = (
    "Hắn vừa đi vừa chửi. Bao giờ cũng thế, cứ rượu xong là hắn chửi.",
    "Có hề gì? Trời có của riêng nhà nào?",
    "Tức mình, hắn chửi ngay tất cả làng Vũ Đại.",
)


@dataclass(frozen=True)
class Case:
    """One adapter, as the suite loads it."""

    adapter: str
    texts: tuple[str, ...]
    failing_text: str
    voices: tuple[str, ...] = ()
    """The default voice, and another; none where the adapter writes."""
    options: dict[str, Any] = field(default_factory=dict)
    tolerance: float = 0.0
    """How far the length of the same text may differ from call to call, as a share of it."""
    package: str | None = None
    """The package that its `install` brings."""
    install: str = ""
    folder: str = ""
    """The fixture that builds its model."""
    weights: tuple[str, ...] = ()
    """The model's files, each of which a load needs whole."""
    beside: tuple[str, ...] = ()
    """Files beside the model's folder that a load needs, too."""
    get_them: str = "get it with"
    """What an error about a missing file says of how to get it."""
    refusal: str = "text: "
    """How the error of `failing_text` begins."""
    path: str | None = None

    @property
    def title(self) -> str:
        """Its adapter, and the engine if the table names one."""
        return "-".join([self.adapter, *filter(None, [self.options.get("engine")])])

    def entry(self, **changed: Any) -> ModelEntry:
        table = {
            "name": "tried",
            "adapter": self.adapter,
            "path": self.path,
            "voice": next(iter(self.voices), None),
            "options": self.options,
        }
        return ModelEntry.model_validate({**table, "place": "models.toml line 1: [models.tried]", **changed})

    def made(self, **changed: Any) -> AnyAdapter:
        """The adapter, not loaded; it reads every artifact that an item names."""
        adapter = adapter_of(self.entry(**changed), "cpu")
        adapter.read_artifact = read_sound
        return adapter

    def item(self, text: str, voice: str | None = None, speed: float = 1.0) -> Any:
        if self.adapter == "lipsync":
            return to_show(text)
        return to_speak(text, voice, speed) if self.voices else to_summarise(text)


CASES = [
    Case("espeak", VIETNAMESE + ENGLISH, "...", ("vi", "en-us"), tolerance=0.02, package="espeakng_loader"),
    Case("rehearsal", VIETNAMESE + ENGLISH, "⚡error", ("a", "b"), {"voices": ["a", "b"], "faults": True}),
    Case(
        "viettts",
        # Short: each text token is 0.4 s of sound with the small model, computed on a CPU.
        ("Hắn vừa đi vừa chửi.", "Có hề gì?", "Tức mình.", "Dạ."),
        "😀 … http://example.org",
        ("quynh", "nguyen.ngoc-ngan"),
        package="viettts",
        install="pip install 'slotline[viettts,onnx]' && pip install --no-deps viet-tts",
        folder="viettts_folder",
        weights=("speech_embedding.onnx", "speech_tokenizer.onnx", "llm.pt", "flow.pt", "hift.pt", "config.yaml"),
    ),
    Case(
        "bart",
        (*ENGLISH, VIETNAMESE[0] * 2),
        " ",
        options={"max_length": 24, "num_beams": 2},
        package="transformers",
        install="pip install 'slotline[summary]'",
        folder="bart_folder",
        weights=("model.safetensors", "config.json", "tokenizer.json"),
    ),
    Case(
        "kokoro",
        ENGLISH,
        "Чайка",
        ("af_heart", "bf_emma"),
        package="onnxruntime",
        install="pip install 'slotline[onnx]'",
        folder="tiny_kokoro_folder",
        weights=("model.onnx", "config.json"),
    ),
    Case(
        "kokoro",
        # Short: its decoder is as wide as the real one, computed on a CPU.
        ("Did he leave his name?", "No, sir.", "He was a big man."),
        "Чайка",
        ("af_heart", "bf_emma"),
        {"engine": "torch"},
        folder="tiny_kokoro_torch_folder",
        weights=("kokoro-v1_0.pth", "config.json"),
    ),
    Case(
        "lipsync",
        ("a long sound with a good many letters", "a short sound", "a"),
        "broken",
        package="onnxruntime",
        install="pip install 'slotline[lipsync,onnx]'",
        folder="tiny_face_folder",
        weights=("checkpoint/model_best.onnx",),
        beside=("audio_encoder.onnx",),
        get_them="the training of SyncTalk 2D writes",
        refusal="sounds: ",
    ),
]
INSTALL = {"espeak": "pip install 'slotline[espeak]'"} | {case.adapter: case.install for case in CASES if case.install}
