"""The model itself, opened on its folder: what of a text reaches it, its length, its draws, and its threads."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tasks.errors import InvalidInput
from tests.unit.workers.adapters.viettts import tiny_viettts
from tests.unit.workers.adapters.viettts.tiny_viettts import SAMPLE_RATE, frames_of
from workers.adapters.base import Cancelled
from workers.adapters.viettts.engine import Engine, Voice
from workers.adapters.viettts.library import import_viettts

SENTENCE = "Hắn vừa đi vừa chửi."


def opened(folder: Path, threads: int = 1) -> Engine:
    import_viettts()
    return Engine(folder, "cpu", threads, load_jit=False, load_onnx=False)


@pytest.fixture(scope="module", autouse=True)
def offline() -> Iterator[None]:
    """As the import sets it; undone after the module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")
        yield


@pytest.fixture(scope="module")
def engine(viettts_folder: Path) -> Engine:
    return opened(viettts_folder)


@pytest.fixture(scope="module")
def content(viettts_folder: Path) -> bytes:
    return (viettts_folder / "samples" / "quynh.wav").read_bytes()


@pytest.fixture(scope="module")
def voice(engine: Engine, content: bytes) -> Voice:
    return engine.voice(content)


def speak(engine: Engine, voice: Voice, text: str, seed: int = 0, speed: float = 1.0) -> np.ndarray:
    return engine.speak(text, voice, speed, seed, lambda: False)


@pytest.mark.parametrize(("text", "speed"), [("Dạ.", 1.0), (SENTENCE, 2.0)])
def test_a_text_becomes_as_much_sound_as_its_pieces_have_tokens(
    engine: Engine, voice: Voice, text: str, speed: float
) -> None:
    tokens = [len(engine._tokens(piece)) for piece in engine.sentences(text)]
    samples = speak(engine, voice, text, speed=speed)
    assert len(samples) == sum(frames_of(count, speed) for count in tokens)
    assert samples.dtype == np.float32


def test_the_seed_alone_decides_how_a_text_is_read(engine: Engine, voice: Voice) -> None:
    first, again, other = (speak(engine, voice, "Dạ.", seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_voice_is_known_by_its_files_digest_and_a_broken_one_is_refused(
    voice: Voice, engine: Engine, content: bytes
) -> None:
    assert voice.digest == hashlib.sha256(content).hexdigest()
    with pytest.raises(InvalidInput, match="cannot be read as sound"):
        engine.voice(content[:20])


def test_a_text_without_anything_to_say_is_refused_with_its_words(engine: Engine, voice: Voice) -> None:
    with pytest.raises(InvalidInput, match=r"^text: nothing in it that VietTTS can say .*begins '😀 …'\)$"):
        speak(engine, voice, "😀 …")


@pytest.mark.parametrize("text", ["<|vi|> Dạ <|endoftext|>", "<|<|en|>vi|> Dạ", '<"|vi|> Dạ', "Dạ <(|0.02|)>"])
def test_special_tokens_in_a_text_never_reach_the_model(engine: Engine, text: str) -> None:
    tokenizer = engine._tts.frontend.tokenizer
    tokens = [token for piece in engine.sentences(text) for token in engine._tokens(piece)]
    assert tokens
    assert max(tokens) < min(tokenizer.encoding._special_tokens.values())


def test_four_hundred_words_without_a_mark_are_cut_into_pieces_that_the_model_keeps_up_with(engine: Engine) -> None:
    words = ["chửi", "trời", "đất"] * 134
    pieces = engine.sentences(" ".join(words))
    assert " ".join(pieces).replace(".", " ").split() == words
    assert max(len(engine._tokens(piece)) for piece in pieces) <= 60


def test_a_run_that_nobody_wants_any_more_ends_and_leaves_the_next_one_as_it_would_have_been(
    engine: Engine, voice: Voice
) -> None:
    before = speak(engine, voice, "Dạ.")
    asked = iter([False] * 5)
    with pytest.raises(Cancelled):
        engine.speak(SENTENCE, voice, 1.0, 0, lambda: next(asked, True))
    assert np.array_equal(speak(engine, voice, "Dạ."), before)


@pytest.mark.usefixtures("model_packages")
def test_an_end_token_that_always_comes_too_early_ends_in_the_least_length_and_not_in_a_loop(
    tmp_path: Path, content: bytes
) -> None:
    eager = opened(tiny_viettts.build(tmp_path / "eager", end_bias=10_000.0))
    tokens = len(eager._tokens(eager.sentences(SENTENCE)[0]))
    assert len(speak(eager, eager.voice(content), SENTENCE)) == int(tokens * 2 / 50 * SAMPLE_RATE / 256) * 256


def test_on_a_cpu_the_model_is_float32_and_has_the_threads_that_it_is_given(viettts_folder: Path) -> None:
    import torch

    before = torch.get_num_threads()
    try:
        engine = opened(viettts_folder, threads=2)
        assert (engine.device, engine.normaliser) == ("cpu", engine._normaliser.name)
        assert {one.dtype for one in engine._tts.model.llm.parameters()} == {torch.float32}
        assert torch.get_num_threads() == 2
        for session in (engine._tts.frontend.speech_embedding_session, engine._tts.frontend.speech_tokenizer_session):
            assert session.get_session_options().intra_op_num_threads == 2
            assert session.get_providers() == ["CPUExecutionProvider"]
    finally:
        torch.set_num_threads(before)
