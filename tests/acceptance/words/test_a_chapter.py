"""What a user hears of a chapter: two real slots read it by the real Kokoro, and speech recognition writes it down."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from producer import Client
from producer.books.reader import read_book
from tests.acceptance.words.speaker import silences_s
from tests.fixtures.environment import UseCatalog
from tests.fixtures.hearing import Ears, error_rate, longest_loss
from tests.fixtures.processes import ROOT
from tests.fixtures.workers import StartWorker

TABLE = """
[models.kokoro]
adapter = "kokoro"
path = "{folder}"
voice = "af_heart"
memory_gb = 1.0
load_limit_s = 120.0
threads = 1
"""
LAST = "I hate London in July."
"""The end of the first half of the chapter that `make demo-kokoro` reads: 380 words, two and a half minutes."""


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_half_a_chapter_is_read_by_two_slots_and_heard_word_for_word(
    kokoro_folder: Path, ears: Ears, use_catalog: UseCatalog, start_worker: StartWorker, client: Client, tmp_path: Path
) -> None:
    use_catalog(TABLE.format(folder=kokoro_folder))
    start_worker("-Q", "flow", "-c", "1", name="flow")
    slots = [start_worker("--model", "kokoro", name=name) for name in ("slot-a", "slot-b")]
    (chapter,) = read_book(ROOT / "examples" / "chapter-en.txt").chapters
    text = chapter.text[: chapter.text.index(LAST) + len(LAST)]
    job = client.submit_chapter(text, model="kokoro")
    result = job.wait(timeout_s=400)
    samples, sample_rate = soundfile.read(job.save(tmp_path / "chapter.wav")[0], dtype="float32")
    written = ears.hear(samples, sample_rate, "en")
    # Wrong in a run in which all was well: 0.045, for the most part names («Ukridge»).
    assert error_rate(text, written, "en") <= 0.1, written
    assert longest_loss(text, written, "en") <= 3, written
    assert sample_rate == 24_000
    assert result.duration_s == pytest.approx(len(samples) / sample_rate, abs=0.001)
    assert 0.3 < np.abs(samples).max() <= 1.0
    assert 0.03 < float(np.sqrt((samples**2).mean())) < 0.2
    assert max(end_s - start_s for start_s, end_s in silences_s(samples, sample_rate)) < 1.6
    assert all(slot.has_logged("ready: kokoro") for slot in slots)
