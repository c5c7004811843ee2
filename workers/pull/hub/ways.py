"""The hub's ways of the recipes: data. Of each repository only the files that the adapter loads are taken.

Nobody could read digests of these files where slotline was written: the first pull locks them (`lock.py`). The sizes
to fetch are the hub's own figures, rounded; 0 where none was known.
"""

from __future__ import annotations

from workers.pull.recipe import HUB, RecipeFile, Way

KOKORO_REPO = "hexgrad/Kokoro-82M"

KOKORO = Way(
    source=HUB,
    repo="onnx-community/Kokoro-82M-v1.0-ONNX",
    files=(
        # In full precision: the smaller exports were not tried on a GPU.
        RecipeFile("model.onnx", origin="onnx/model.onnx"),
        # That repository's own config.json names neither symbols nor sizes.
        RecipeFile("config.json", origin=f"{KOKORO_REPO}:config.json"),
    ),
    patterns=("voices/*.bin",),
    download_bytes=354_000_000,
)

KOKORO_TORCH = Way(
    source=HUB,
    repo=KOKORO_REPO,
    files=(RecipeFile("kokoro-v1_0.pth"), RecipeFile("config.json")),
    patterns=("voices/*.pt",),
    download_bytes=355_000_000,
)

VIETTTS = Way(
    source=HUB,
    repo="dangvansam/viet-tts",
    files=tuple(
        RecipeFile(name)
        for name in ("config.yaml", "speech_embedding.onnx", "speech_tokenizer.onnx", "llm.pt", "flow.pt", "hift.pt")
    ),
    download_bytes=0,
)

BART = Way(
    source=HUB,
    repo="facebook/bart-large-cnn",
    files=(RecipeFile("config.json"),),
    patterns=(
        "model.safetensors|pytorch_model.bin",
        "tokenizer.json|vocab.json",
        "vocab.json",
        "merges.txt",
        "tokenizer_config.json",
        "special_tokens_map.json",
        "generation_config.json",
    ),
    download_bytes=1_628_000_000,
)
