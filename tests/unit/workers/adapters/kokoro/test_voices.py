"""Voices in all their formats, and files that are none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tasks.errors import InvalidInput, UnknownVoice
from tests.unit.workers.adapters.kokoro.tiny_onnx import write_voice
from workers.adapters.kokoro import voices


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "voices").mkdir()
    write_voice(tmp_path / "voices" / "af_heart.bin", 0.5)
    return tmp_path


def table() -> np.ndarray:
    return (np.float32(0.5) + np.arange(510, dtype=np.float64) * 1e-6).astype(np.float32)


def test_a_voice_is_the_same_in_each_format_and_has_one_digest(folder: Path) -> None:
    whole = voices.styles(voices.found(folder)["af_heart"])
    assert whole.shape == (510, 256)
    np.savez(folder / "voices" / "all.npz", af_zipped=whole.reshape(510, 1, 256))
    with (folder / "voices-v1.0.bin").open("wb") as file:
        np.savez(file, bf_emma=whole, af_double=whole.astype(np.float64))
    found = voices.found(folder)
    assert sorted(found) == ["af_double", "af_heart", "af_zipped", "bf_emma"]
    assert len({known.digest for known in voices.known(found).values()}) == 1
    assert np.array_equal(voices.styles(found["bf_emma"]), whole)


@pytest.mark.usefixtures("model_packages")
def test_a_tensor_of_torch_is_read_without_torch(folder: Path) -> None:
    import torch

    whole = voices.styles(voices.found(folder)["af_heart"])
    torch.save(torch.tensor(whole).reshape(510, 1, 256), folder / "voices" / "am_adam.pt")
    torch.save({"a": torch.zeros(256), "b": torch.ones(256)}, folder / "voices" / "am_more.pt")
    torch.save(torch.zeros(256, dtype=torch.float16), folder / "voices" / "am_half.pt")
    known = voices.known(voices.found(folder))
    assert known["am_adam"] == known["af_heart"]
    for name in ("am_more", "am_half"):
        assert f"{name}.pt cannot be read: it is not one float32 tensor" in known[name].fault


def test_a_folder_or_a_file_that_the_table_names_is_the_only_place(folder: Path) -> None:
    (folder / "mine").mkdir()
    write_voice(folder / "mine" / "am_me.bin", 0.1)
    assert list(voices.found(folder, "mine")) == ["am_me"]
    assert list(voices.found(folder, "mine/am_me.bin")) == ["am_me"]
    assert voices.found(folder, "nowhere") == {}


def test_a_file_that_is_no_voice_is_known_by_its_fault(folder: Path) -> None:
    for name, content in {
        "am_empty": b"",
        "am_odd": bytes(1023),
        "am_short": bytes(1000),
        "am_nan": np.full(256, np.nan, np.float32).tobytes(),
    }.items():
        (folder / "voices" / f"{name}.bin").write_bytes(content)
    (folder / "voices" / "am_torch.pt").write_bytes(b"PK no archive")
    (folder / "voices" / "readme.txt").write_text("no voice")
    known = voices.known(voices.found(folder))
    assert known.pop("af_heart").fault == ""
    words = {
        "am_empty": "it has 0 numbers",
        "am_odd": "1023 bytes are not float32",
        "am_short": "it has 250 numbers, which is not a multiple of 256",
        "am_nan": "values that are no numbers",
        "am_torch": "cannot be read",
    }
    assert set(known) == set(words)
    for name, why in words.items():
        assert f"{folder}/voices/{name}." in known[name].fault
        assert why in known[name].fault
        assert "\n" not in known[name].fault
    with pytest.raises(InvalidInput, match="am_short"):
        voices.styles(voices.found(folder)["am_short"])


def test_the_style_is_the_row_of_the_number_of_phonemes(folder: Path) -> None:
    whole = voices.styles(voices.found(folder)["af_heart"])
    for phonemes, row in ((1, 0), (100, 99), (510, 509), (700, 509), (0, 0)):
        assert np.array_equal(voices.style(whole, phonemes), whole[row])
    assert np.array_equal(voices.style(whole[:1], 100), whole[0])


def test_a_name_is_found_in_any_case_of_letters_and_an_unknown_one_is_refused_with_the_nearest() -> None:
    names = dict.fromkeys(("af_heart", "af_Nova", "bm_lewis"))
    assert voices.named(names, "AF_NOVA") == "af_Nova"
    with pytest.raises(UnknownVoice, match=r"^voice: Kokoro has no voice 'af_hart'; it has af_heart \(3 in all\)$"):
        voices.named(names, "af_hart")
    with pytest.raises(UnknownVoice, match=r"it has af_heart, af_Nova, bm_lewis$"):
        voices.named(names, "zzz")
