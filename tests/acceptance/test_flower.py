"""Real Flower beside real workers: slots by name, tasks with arguments that a person can read, small results."""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from typing import Any

from celery import Celery

from tests.fixtures.processes import StartProcess
from tests.fixtures.waiting import GIVE_UP_S, WaitUntil
from tests.fixtures.workers import StartWorker


def get(url: str) -> Any:
    """The page or the API's answer; None while Flower is not there yet."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            body = answer.read().decode()
    except (urllib.error.URLError, ConnectionError):
        return None
    return json.loads(body) if "/api/" in url else body


def test_flower_shows_slots_by_name_and_a_chapter_from_received_to_succeeded(
    broker: str, unused_port: int, start_worker: StartWorker, start_process: StartProcess, wait_until: WaitUntil
) -> None:
    url = f"http://127.0.0.1:{unused_port}"
    command = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "workers",
        "flower",
        f"--port={unused_port}",
        "--address=127.0.0.1",
    ]
    start_process(*command, env={"FLOWER_UNAUTHENTICATED_API": "true"}, name="flower")
    wait_until(lambda: get(f"{url}/api/tasks") is not None, limit_s=60, what="Flower answers")
    start_worker("-Q", "flow", name="flow").wait_for_log("ready")
    start_worker("--model", "espeak", name="slot").wait_for_log("ready: espeak")
    with Celery("foreign", broker=broker, backend=broker, set_as_current=False) as celery:
        text = "Hắn vừa đi vừa chửi.\n\nBao giờ cũng thế."
        job = celery.send_task("speech.chapter", kwargs={"text": text, "model": "espeak", "voice": "vi"}, queue="flow")
        job.get(timeout=GIVE_UP_S)

    def succeeded() -> Any:
        task = get(f"{url}/api/task/info/{job.id}")
        return task if task and task["state"] == "SUCCESS" else None

    chapter = wait_until(succeeded, limit_s=20, what="Flower has seen the chapter succeed")
    assert "Hắn vừa đi" in chapter["kwargs"]
    assert chapter["received"]
    assert chapter["started"]
    assert chapter["succeeded"]
    assert len(chapter["result"]) < 1000
    part = wait_until(lambda: get(f"{url}/api/task/info/{job.id}.1"), limit_s=10, what="Flower has seen the part")
    assert part["state"] == "SUCCESS"
    assert job.id in part["kwargs"]
    assert "Hắn vừa đi vừa chửi." in part["kwargs"]
    workers = get(f"{url}/")
    assert "espeak-cpu-0@" in workers
    assert "flow-0@" in workers
