"""Builds a VietTTS model folder of 3 MB with random weights, which the real `viettts.tts.TTS` loads and runs.

Every width is the smallest that viet-tts 0.1.0 takes. Nothing in it is trained, so it
speaks noise; how long it speaks is exact, which is what tests go by.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

SAMPLE_RATE = 22_050
END_TOKEN = 16
"""Of the speech vocabulary of 16, as `config.yaml` sizes it."""

VOICES = {"quynh": 180.0, "nguyen.ngoc-ngan": 110.0}
"""Voice name -> pitch in Hz of the tone that its file holds."""

CONFIG = """\
llm: !new:viettts.llm.llm.TransformerLM
  text_encoder_input_size: 8
  llm_input_size: 16
  llm_output_size: 16
  text_token_size: 60515
  speech_token_size: 16
  length_normalized_loss: true
  lsm_weight: 0
  spk_embed_dim: 192
  text_encoder: !new:viettts.transformer.encoder.ConformerEncoder
    input_size: 8
    output_size: 16
    attention_heads: 2
    linear_units: 32
    num_blocks: 1
    dropout_rate: 0.0
    positional_dropout_rate: 0.0
    attention_dropout_rate: 0.0
    normalize_before: true
    input_layer: linear
    pos_enc_layer_type: rel_pos_espnet
    selfattention_layer_type: rel_selfattn
    use_cnn_module: false
    macaron_style: false
    use_dynamic_chunk: false
    use_dynamic_left_chunk: false
    static_chunk_size: 1
  llm: !new:viettts.transformer.encoder.TransformerEncoder
    input_size: 16
    output_size: 16
    attention_heads: 2
    linear_units: 32
    num_blocks: 1
    dropout_rate: 0.0
    positional_dropout_rate: 0.0
    attention_dropout_rate: 0.0
    input_layer: linear_legacy
    pos_enc_layer_type: rel_pos_espnet
    selfattention_layer_type: rel_selfattn
    static_chunk_size: 1
  sampling: !name:viettts.utils.common.ras_sampling
    top_p: 0.8
    top_k: 25
    win_size: 10
    tau_r: 0.1
flow: !new:viettts.flow.flow.MaskedDiffWithXvec
  input_size: 16
  output_size: 80
  spk_embed_dim: 192
  output_type: mel
  vocab_size: 16
  input_frame_rate: 50
  only_mask_loss: true
  encoder: !new:viettts.transformer.encoder.ConformerEncoder
    output_size: 16
    attention_heads: 2
    linear_units: 32
    num_blocks: 1
    dropout_rate: 0.0
    positional_dropout_rate: 0.0
    attention_dropout_rate: 0.0
    normalize_before: true
    input_layer: linear
    pos_enc_layer_type: rel_pos_espnet
    selfattention_layer_type: rel_selfattn
    input_size: 16
    use_cnn_module: false
    macaron_style: false
  length_regulator: !new:viettts.flow.length_regulator.InterpolateRegulator
    channels: 80
    sampling_ratios: [1]
  decoder: !new:viettts.flow.flow_matching.ConditionalCFM
    in_channels: 240
    n_spks: 1
    spk_emb_dim: 80
    cfm_params: !new:omegaconf.DictConfig
      content:
        sigma_min: 1.0e-06
        solver: euler
        t_scheduler: cosine
        training_cfg_rate: 0.2
        inference_cfg_rate: 0.7
        reg_loss_type: l1
    estimator: !new:viettts.flow.decoder.ConditionalDecoder
      in_channels: 320
      out_channels: 80
      channels: [16, 16]
      dropout: 0.0
      attention_head_dim: 8
      n_blocks: 1
      num_mid_blocks: 1
      num_heads: 2
      act_fn: gelu
hift: !new:viettts.hifigan.generator.HiFTGenerator
  in_channels: 80
  base_channels: 16
  nb_harmonics: 8
  sampling_rate: 22050
  nsf_alpha: 0.1
  nsf_sigma: 0.003
  nsf_voiced_threshold: 10
  upsample_rates: [8, 8]
  upsample_kernel_sizes: [16, 16]
  istft_params:
    n_fft: 16
    hop_len: 4
  resblock_kernel_sizes: [3]
  resblock_dilation_sizes: [[1]]
  source_resblock_kernel_sizes: [7, 11]
  source_resblock_dilation_sizes: [[1], [1]]
  lrelu_slope: 0.1
  audio_limit: 0.99
  f0_predictor: !new:viettts.hifigan.f0_predictor.ConvRNNF0Predictor
    num_class: 1
    in_channels: 80
    cond_channels: 8
"""


def build(folder: Path, end_bias: float = -10_000.0) -> Path:
    """Write the six files and a samples folder to `folder` and return it.

    `end_bias` is that of the end token: at −10,000 it is never drawn, so each text token becomes
    exactly 20 speech tokens (50 a second); at +10,000 it is drawn as soon as it is allowed.
    """
    import torch
    from hyperpyyaml import load_hyperpyyaml

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(CONFIG, encoding="utf-8")
    torch.manual_seed(7)
    modules = load_hyperpyyaml(CONFIG)
    with torch.no_grad():
        modules["llm"].llm_decoder.bias[END_TOKEN] = end_bias
    for name in ("llm", "flow", "hift"):
        torch.save(modules[name].state_dict(), folder / f"{name}.pt")
    _write_graphs(folder)
    for voice, pitch_hz in VOICES.items():
        write_voice(folder / "samples" / f"{voice}.wav", pitch_hz)
    return folder


def write_voice(path: Path, pitch_hz: float, sample_rate: int = 24_000, seconds: float = 3.5) -> None:
    """A tone, as a voice's sample: float32 mono `[seconds × sample_rate]`."""
    import numpy as np
    import soundfile

    path.parent.mkdir(parents=True, exist_ok=True)
    time_s = np.arange(int(seconds * sample_rate), dtype=np.float32) / sample_rate
    soundfile.write(path, 0.3 * np.sin(2 * math.pi * pitch_hz * time_s), sample_rate)


def frames_of(tokens: int, speed: float = 1.0) -> int:
    """Samples that a chunk of that many text tokens becomes, with the end token's bias at −10,000."""
    mel_frames = int(tokens * 20 / 50 * SAMPLE_RATE / 256)
    return (mel_frames if speed == 1.0 else int(mel_frames / speed)) * 256


def _write_graphs(folder: Path) -> None:
    import onnx
    from onnx import helper

    for graph in (_speech_embedding(), _speech_tokenizer()):
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
        onnx.checker.check_model(model)
        onnx.save(model, folder / f"{graph.name}.onnx")


def _speech_embedding() -> Any:
    """A graph of float32 `[1, T, 80]` -> `[1, 192]`."""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    weights = np.random.default_rng(7).normal(size=(80, 192)).astype(np.float32)
    return helper.make_graph(
        [
            helper.make_node("ReduceMean", ["feat", "axis"], ["mean"], keepdims=0),
            helper.make_node("MatMul", ["mean", "weights"], ["embedding"]),
        ],
        "speech_embedding",
        [helper.make_tensor_value_info("feat", TensorProto.FLOAT, [1, "T", 80])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [1, 192])],
        [numpy_helper.from_array(weights, "weights"), _constant("axis", 1)],
    )


def _speech_tokenizer() -> Any:
    """A graph of float32 `[1, 128, T]` and int32 `[1]` -> int64 `[1, T/2]`, tokens below 16."""
    import numpy as np
    from onnx import TensorProto, helper

    return helper.make_graph(
        [
            helper.make_node("ReduceMean", ["feat", "first"], ["mean"], keepdims=0),
            helper.make_node("Slice", ["mean", "from", "to", "first", "step"], ["half"]),
            helper.make_node("Abs", ["half"], ["positive"]),
            helper.make_node("Mul", ["positive", "spread"], ["wide"]),
            helper.make_node("Cast", ["wide"], ["whole"], to=TensorProto.INT64),
            helper.make_node("Mod", ["whole", "vocabulary"], ["tokens"]),
        ],
        "speech_tokenizer",
        [
            helper.make_tensor_value_info("feat", TensorProto.FLOAT, [1, 128, "T"]),
            helper.make_tensor_value_info("length", TensorProto.INT32, [1]),
        ],
        [helper.make_tensor_value_info("tokens", TensorProto.INT64, [1, "half"])],
        [
            _constant("first", 1),
            _constant("from", 0),
            _constant("to", 2**31),
            _constant("step", 2),
            _constant("spread", 997.0, np.float32),
            _constant("vocabulary", END_TOKEN),
        ],
    )


def _constant(name: str, value: float, dtype: type | None = None) -> Any:
    import numpy as np
    from onnx import numpy_helper

    return numpy_helper.from_array(np.array([value], dtype=dtype or np.int64), name)
