"""How a worker starts, and every way in which it is refused: one line, and the exit status."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import redis

from tasks.redis import keys
from tests.fixtures.processes import ROOT
from tests.fixtures.waiting import WaitUntil
from tests.fixtures.workers import StartWorker
from workers.slots.claim import host_id

HEAVY = ("torch", "onnxruntime", "transformers", "espeakng_loader", "kokoro", "viettts")


def refusal(log: str) -> str:
    """The one line that slotline said; everything else that stands there is none of its own."""
    lines = [line for line in log.splitlines() if line.startswith("slotline: ")]
    assert len(lines) == 1, log
    assert "Traceback" not in log
    return lines[0]


@pytest.mark.parametrize(
    ("arguments", "said", "status"),
    [
        ([], "slotline: --model: missing", 2),
        (["--model", "quick", "-Q", "flow"], "slotline: -Q: ", 2),
        (["--model", "quick", "-c", "2"], "slotline: -c 2: ", 2),
        (["--model", "quick", "-P", "solo"], "slotline: -P: ", 2),
        (["--model", "quick", "--autoscale", "3,1"], "slotline: --autoscale: ", 2),
        (["--model", "quick", "-n", "my worker@here"], "slotline: -n my worker@here: ' ' cannot", 2),
        (["--model", "qick"], "did you mean 'quick'?", 2),
        (["--model", "stranger"], "there is no adapter 'nobody'", 2),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(
    start_worker: StartWorker, catalog_file: Path, arguments: list[str], said: str, status: int
) -> None:
    worker = start_worker(*arguments)
    assert worker.wait() == status
    assert said in refusal(worker.log())


@pytest.mark.parametrize(
    ("environment", "said", "status"),
    [
        ({"CELERY_BROKER_URL": "redis://:secret@127.0.0.1:1/0"}, "no Redis answers at redis://:**@127.0.0.1:1/0", 1),
        ({"SLOTLINE_STORE_URL": "/proc/no/store"}, "/proc/no/store", 1),
        ({"MODEL_DEVICE": "cuda"}, "MODEL_DEVICE=cuda", 2),
        ({"LOG_LEVEL": "LOUD"}, "LOG_LEVEL='LOUD'", 2),
        ({"SLOTLINE_CPU_SLOTS": "none"}, "SLOTLINE_CPU_SLOTS", 2),
    ],
)
def test_a_place_that_cannot_serve_is_one_line_and_a_status(
    start_worker: StartWorker, catalog_file: Path, environment: dict[str, str], said: str, status: int
) -> None:
    worker = start_worker("--model", "quick", env=environment)
    assert worker.wait() == status
    assert said in refusal(worker.log())
    assert "secret" not in worker.log()


def test_without_a_broker_the_line_offers_slotline_up(start_worker: StartWorker) -> None:
    worker = start_worker("-Q", "flow", env={"CELERY_BROKER_URL": "redis://127.0.0.1:1/0"})
    assert worker.wait() == 1
    assert "start one with `slotline up`" in refusal(worker.log())


def test_a_refused_worker_leaves_no_slot_behind(
    start_worker: StartWorker, catalog_file: Path, redis_client: redis.Redis
) -> None:
    assert start_worker("--model", "quick", env={"SLOTLINE_STORE_URL": "/proc/no/store"}).wait() == 1
    assert redis_client.keys(keys.PREFIX + "slot:*") == []


def test_workers_are_named_after_their_slot_or_as_n_says(
    start_worker: StartWorker, catalog_file: Path, redis_client: redis.Redis, tmp_path: Path
) -> None:
    pidfiles = f"--pidfile={tmp_path}/%n.pid"
    worker = start_worker("--model", "quick", "-n", "garage", pidfiles)
    named = start_worker("--model", "quick", "-n", "mine-%i@garage", pidfiles)
    worker.wait_for_log(r"ready: quick on quick-cpu-\d, loaded in \d+\.\d s")
    named.wait_for_log(r"ready: quick on mine-cpu-\d, loaded in \d+\.\d s")
    names = sorted(redis_client.keys(keys.worker_name("*")))
    assert [re.sub(r"\d@", "N@", str(name)) for name in names] == [
        keys.worker_name("mine-cpu-N@garage"),
        keys.worker_name("quick-cpu-N@garage"),
    ]
    assert {path.stem.split("-")[0]: int(path.read_text()) for path in tmp_path.glob("*.pid")} == {
        "quick": worker.pid,
        "mine": named.pid,
    }
    assert worker.log().count("ready") == 1, "nothing but the model says that it is ready"


def test_a_name_that_another_worker_has_is_refused_with_its_place(
    start_worker: StartWorker, catalog_file: Path, redis_client: redis.Redis
) -> None:
    first = start_worker("-Q", "flow", "-c", "1", "-n", "mine@here")
    first.wait_for_log("mine@here ready")
    second = start_worker("--model", "quick", "-n", "mine@here")
    assert second.wait() == 1
    line = refusal(second.log())
    assert f"-n: mine@here (pid {first.pid} on {socket.gethostname()} (127.0.0.1)) has this name" in line
    assert redis_client.keys(keys.slot("*", "cpu", "*")) == []


def test_a_killed_worker_is_started_again_under_its_name_at_once(start_worker: StartWorker, broker: str) -> None:
    for _ in range(2):
        worker = start_worker("-Q", "flow", "-c", "1", "-n", "mine@here", env={"SLOTLINE_LEASE_S": "600"})
        worker.wait_for_log("mine@here ready")
        worker.kill()


def test_flow_workers_take_the_lowest_free_number(start_worker: StartWorker, redis_client: redis.Redis) -> None:
    first = start_worker("-Q", "flow", "-c", "1", "-n", "here")
    first.wait_for_log(r"flow-0@here ready")
    second = start_worker("-Q", "flow", "-c", "1", "-n", "here")
    second.wait_for_log(r"flow-1@here ready")
    assert first.stop() == 0
    assert redis_client.keys(keys.PREFIX + "slot:*:flow:*") == [keys.slot(host_id(), "flow", 1)]
    third = start_worker("-Q", "flow", "-c", "1", "-n", "here")
    third.wait_for_log(r"flow-0@here ready")


def test_the_log_level_of_the_settings_holds_unless_another_is_given(
    start_worker: StartWorker, catalog_file: Path, redis_client: redis.Redis, wait_until: WaitUntil
) -> None:
    quiet = start_worker("--model", "quick", "-l", "WARNING")
    loud = start_worker("--model", "quick", env={"LOG_LEVEL": "DEBUG"})
    loud.wait_for_log("DEBUG")
    loud.wait_for_log("ready: quick")
    wait_until(lambda: redis_client.zcard(keys.capacity("quick")) == 2, what="both ready")
    assert quiet.stop() == 0
    assert "INFO" not in quiet.log()


def test_the_parent_imports_no_model_package(own_environment: None) -> None:
    program = f"import sys, workers; workers.app; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_package_itself_reads_no_settings(own_environment: None) -> None:
    program = "import sys, workers; print('tasks.settings' in sys.modules, 'celery' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False False"
