"""A BART of a wanted size with random weights, and texts for it: speed and memory do not depend on what it has learnt.

Written to a folder from which transformers loads it; nothing is downloaded. Its tokenizer is
a byte-level BPE, learnt from the example chapter, so that a text has as many tokens as with
the real one. Needs torch and transformers, which are imported inside the functions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHAPTER = Path(__file__).resolve().parent.parent / "examples" / "chapter-en.txt"
WORDS_A_TEXT = 60
STEP_WORDS = 7
"""Texts overlap, but begin at other words: no two are the same, and all are about as long."""


@dataclass(frozen=True)
class Size:
    """How large the model is; `layers` of the encoder and as many of the decoder."""

    width: int
    layers: int
    heads: int
    vocabulary: int
    positions: int = 1024


TINY = Size(16, 1, 2, 300)
"""40,000 parameters: for a dry run."""
SMALL = Size(256, 5, 4, 1500)
"""10 million parameters, 40 MB in fp32."""
MIDDLE = Size(768, 6, 12, 1500)
"""100 million parameters, 400 MB in fp32."""
LARGE = Size(1024, 12, 16, 50_265)
"""bart-large-cnn's: 0.4 billion parameters, 0.8 GB in fp16."""


def write(folder: Path, size: Size, half: bool = False) -> Path:
    """Write the model (fp16 where `half`) and its tokenizer to `folder`, and return it."""
    import torch
    from transformers import BartConfig, BartForConditionalGeneration

    _tokenizer(min(size.vocabulary, SMALL.vocabulary), size.positions).save_pretrained(folder)
    config = BartConfig(
        vocab_size=size.vocabulary,
        d_model=size.width,
        encoder_layers=size.layers,
        decoder_layers=size.layers,
        encoder_attention_heads=size.heads,
        decoder_attention_heads=size.heads,
        encoder_ffn_dim=4 * size.width,
        decoder_ffn_dim=4 * size.width,
        max_position_embeddings=size.positions,
    )
    torch.manual_seed(7)
    model = BartForConditionalGeneration(config)
    (model.to(torch.float16) if half else model).save_pretrained(folder)
    return folder


def texts(count: int, first: int = 0, words: int = WORDS_A_TEXT) -> list[str]:
    """`count` texts of so many words, from number `first` on; those of other numbers are other texts."""
    chapter = CHAPTER.read_text(encoding="utf-8").split()
    made = []
    for number in range(first, first + count):
        start = number * STEP_WORDS % len(chapter)
        made.append(f"{number}. " + " ".join([*chapter, *chapter][start : start + words]))
    return made


def padded(tokenizer: Any, batch: Sequence[str]) -> dict[str, Any]:
    """Tokens `[texts, length]` and the mask of what pads them."""
    return dict(tokenizer(list(batch), padding=True, return_tensors="pt", return_token_type_ids=False))


def _tokenizer(vocabulary: int, positions: int) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train([str(CHAPTER)], trainer)
    ends = [("<s>", 0), ("</s>", 2)]
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=ends)
    names = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=positions, **names)
