"""A chapter read by two VietTTS slots: real Celery workers, the real class, a small model."""

from __future__ import annotations

from pathlib import Path

import pytest
from celery import Celery

from tests.fixtures.waiting import GIVE_UP_S
from tests.fixtures.workers import StartWorker

LOAD_LIMIT_S = 120.0

TEXT = "Dạ.\n\nCó hề gì?\n\n中文\n\nTức mình.\n\nHắn chửi."

pytestmark = pytest.mark.timeout(300)


def test_two_slots_read_a_chapter_and_what_cannot_be_said_costs_its_paragraph_alone(
    viettts_folder: Path, broker: str, start_worker: StartWorker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog = tmp_path / "models.toml"
    catalog.write_text(f'[models.viettts]\nadapter = "viettts"\npath = "{viettts_folder}"\nvoice = "quynh"\n')
    monkeypatch.setenv("SLOTLINE_MODELS", str(catalog))
    monkeypatch.setenv("MODEL_DEVICE", "cpu")
    slots = [start_worker("--model", "viettts", name=f"slot-{number}") for number in range(2)]
    start_worker("-Q", "flow", name="flow").wait_for_log("ready")
    for slot in slots:
        slot.wait_for_log("ready: viettts", LOAD_LIMIT_S)
        assert "libtorch" not in Path(f"/proc/{slot.pid}/maps").read_text()
    with Celery("foreign", broker=broker, backend=broker, set_as_current=False) as app:
        fields = {"text": TEXT, "model": "viettts", "max_chars": 20}
        failed = app.send_task("speech.chapter", kwargs=fields, queue="flow")
        with pytest.raises(Exception, match="nothing in it that VietTTS can say"):
            failed.get(timeout=GIVE_UP_S)
        whole = {**fields, "text": TEXT.replace("中文\n\n", "")}
        result = app.send_task("speech.chapter", kwargs=whole, queue="flow").get(timeout=GIVE_UP_S)
    assert result["audio"]["sample_rate"] == 22_050
    assert (result["parts"], result["computed"]) == (4, 0)
    assert result["duration_s"] > 4.0
