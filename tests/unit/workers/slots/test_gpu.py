"""Real workers on the fake driver's cards: pinned, planned, loaded in turn, measured; nothing lost when one dies."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import redis
from celery import Celery

from tasks.redis import keys
from tasks.settings import settings
from tests.fixtures.environment import LEASE_S
from tests.fixtures.processes import Process, StartProcess
from tests.fixtures.waiting import GIVE_UP_S, WaitUntil
from tests.fixtures.workers import StartWorker
from tests.unit.workers.slots.conftest import H200, RTX_3070, RTX_3080, RTX_4090, SLICED, Cards
from workers.slots.gpu import room_on
from workers.slots.nvml import survey
from workers.slots.plan import GB, Footprint, instances, rules
from workers.slots.turn import Turn

ChildOf = Callable[[int], int]


def refusal(worker: Process) -> str:
    """The last line that slotline said; it must have ended with status 1."""
    assert worker.wait() == 1, worker.tail()
    assert "Traceback" not in worker.log()
    return [line for line in worker.log().splitlines() if line.startswith("slotline: ")][-1]


def ready(worker: Process, name: str, count: int = 1) -> Process:
    worker.wait_for_log(rf"ready: \w+ on {name}, ", count=count)
    return worker


def measured_gb(raw: redis.Redis, model: str) -> list[float]:
    return [round(json.loads(value)["bytes"] / GB, 2) for value in raw.hgetall(keys.footprint(model)).values()]


def test_a_worker_is_pinned_to_its_card_measured_and_speaks(
    cards: Cards, start_worker: StartWorker, child_of: ChildOf, client: Celery, raw: redis.Redis
) -> None:
    cards.plug(RTX_3070, RTX_4090)
    worker = ready(start_worker("--model", "viettts"), "viettts-gpu1-0")
    assert {(one["visible"], one["device"]) for one in cards.journal()} == {("GPU-4090", "cuda:0")}
    assert measured_gb(raw, "viettts") == [7.4]
    (field,) = raw.hgetall(keys.footprint("viettts"))
    assert field == b"card|NVIDIA GeForce RTX 4090|fp16"
    assert raw.hgetall(keys.promised("GPU-4090")) == {}
    assert not raw.exists(keys.turn("GPU-4090"))
    job = client.send_task("speech.paragraph", kwargs={"text": "Hello.", "model": "viettts"}, queue="viettts")
    assert job.get(timeout=GIVE_UP_S)["duration_s"] > 0
    assert "libcuda" in Path(f"/proc/{child_of(worker.pid)}/maps").read_text()
    assert worker.stop() == 0
    assert raw.keys("slotline:slot:*") + raw.keys("slotline:turn:*") + raw.keys("slotline:promised:*") == []


def test_the_parent_never_initialises_cuda_nor_imports_a_model_package(
    cards: Cards, start_worker: StartWorker, child_of: ChildOf
) -> None:
    cards.plug(RTX_4090)
    worker = ready(start_worker("--model", "bart"), "bart-gpu0-0")
    mapped = Path(f"/proc/{worker.pid}/maps").read_text()
    heavy = re.compile(r"libcuda|libcudart|libcublas|libtorch|libonnxruntime|site-packages/(torch|onnxruntime)/")
    assert not heavy.search(mapped)
    assert heavy.search(Path(f"/proc/{child_of(worker.pid)}/maps").read_text()), "the child does, and this test sees it"


def test_two_that_start_at_once_load_one_after_the_other_and_a_third_does_not_fit(
    cards: Cards, start_worker: StartWorker, raw: redis.Redis
) -> None:
    cards.plug(RTX_4090)
    first, second = start_worker("--model", "slow"), start_worker("--model", "slow")
    for worker in (first, second):
        worker.wait_for_log(r"ready: slow on slow-gpu0-[01], ")
    begun = [one["what"] for one in sorted(cards.journal(), key=lambda one: one["at"])]
    assert begun == ["begin", "end", "begin", "end"], "never two at once"
    assert "loads; slow waits for its turn" in first.log() + second.log()
    assert measured_gb(raw, "slow") == [7.4]
    said = refusal(start_worker("--model", "viettts"))
    assert re.fullmatch(
        r"slotline: no GPU has room for viettts: gpu0 \(NVIDIA GeForce RTX 4090\): 9\.2 GB − 2\.0 buffer, "
        r"7\.5 by memory_gb → 0, held by slow-gpu0-0@\S+ \(pid \d+\), slow-gpu0-1@\S+ \(pid \d+\)\. Stop what uses .*",
        said,
    )
    ready(start_worker("--model", "bart"), "bart-gpu0-2")


def test_the_driver_s_free_memory_counts_what_strangers_use(cards: Cards, start_worker: StartWorker) -> None:
    cards.plug(RTX_3080)
    cards.take("GPU-3080", os.getpid(), 3.0)
    assert "7.0 GB − 2.0 buffer, 7.5 by memory_gb → 0" in refusal(start_worker("--model", "viettts"))
    assert cards.journal() == [], "a model that does not fit is not loaded"


def test_a_slice_is_a_gpu_of_its_own(cards: Cards, start_worker: StartWorker) -> None:
    cards.plug(SLICED)
    env = {"GPU_MAX_MODEL_INSTANCES": "1"}
    for number in (0, 1):
        start_worker("--model", "bart", env=env).wait_for_log(rf"ready: bart on bart-gpu0\.{number}-0, ")
    assert {one["visible"] for one in cards.journal()} == {"MIG-0", "MIG-1"}


@pytest.mark.parametrize(
    ("plugged", "environment", "visible"),
    [(True, {"MODEL_DEVICE": "cpu"}, ""), (True, {"CUDA_VISIBLE_DEVICES": ""}, ""), (False, {}, "")],
)
def test_without_a_gpu_or_told_so_the_model_runs_on_a_cpu_and_sees_no_card(
    cards: Cards, start_worker: StartWorker, plugged: bool, environment: dict[str, str], visible: str
) -> None:
    if plugged:
        cards.plug(RTX_4090)
    ready(start_worker("--model", "bart", env=environment), "bart-cpu-0")
    assert {(one["visible"], one["device"]) for one in cards.journal()} == {(visible, "cpu")}


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("bart", "MODEL_DEVICE=cuda: there is no GPU for bart (the driver shows no GPU); set MODEL_DEVICE=cpu"),
        ("silence", "MODEL_DEVICE=cuda: the adapter 'rehearsal' of silence runs on cpu only; set MODEL_DEVICE=auto"),
    ],
)
def test_a_gpu_that_cannot_be_had_is_one_line(cards: Cards, start_worker: StartWorker, model: str, said: str) -> None:
    worker = start_worker("--model", model, env={"MODEL_DEVICE": "cuda"})
    assert worker.wait() == 2
    assert worker.log().strip() == f"slotline: {said}"


def test_a_dead_child_s_memory_is_kept_for_the_next_one(
    cards: Cards, start_worker: StartWorker, child_of: ChildOf, raw: redis.Redis, wait_until: WaitUntil
) -> None:
    cards.plug(RTX_3080)
    worker = ready(start_worker("--model", "viettts"), "viettts-gpu0-0")
    other = Turn.of("GPU-3080", "other", "here", 60.0)
    assert other.take(raw) == ""
    dead = child_of(worker.pid)
    os.kill(dead, signal.SIGKILL)
    worker.wait_for_log(r"viettts-gpu0-0@\S+ waits to load: other \(pid \d+ on here\) has the turn")
    (card,) = survey().gpus
    assert card.users == (), "the card is empty"
    answer = instances(room_on(raw, card), "viettts", Footprint(int(7.4 * GB), "measured"), rules(settings()))
    assert answer.more == 0
    assert answer.reason == "1 held; 10.0 GB − 2.0 buffer − 7.4 kept for 1 not loaded, 7.4 measured → 0 more"
    other.end(raw)
    ready(worker, "viettts-gpu0-0", count=2)
    wait_until(lambda: raw.hlen(keys.promised("GPU-3080")) == 0, 5, "the promise to be kept")
    assert child_of(worker.pid) != dead


def test_waiting_for_one_s_turn_is_no_time_of_the_model_s(
    cards: Cards, start_worker: StartWorker, child_of: ChildOf, raw: redis.Redis, wait_until: WaitUntil
) -> None:
    cards.plug(RTX_4090)
    worker = ready(start_worker("--model", "hasty"), "hasty-gpu0-0")
    other = Turn.of("GPU-4090", "other", "here", 60.0)
    assert other.take(raw) == ""
    os.kill(child_of(worker.pid), signal.SIGKILL)
    worker.wait_for_log("hasty-gpu0-0.* waits to load")
    since = raw.time()[0]
    wait_until(lambda: raw.time()[0] > since + 3, 10, "more time than load_limit_s (2 s) to pass")
    other.end(raw)
    ready(worker, "hasty-gpu0-0", count=2)
    assert "load_limit_s" not in worker.log()


def test_a_worker_killed_while_it_loads_lets_the_next_one_load_within_the_lease(
    cards: Cards, start_worker: StartWorker, raw: redis.Redis, wait_until: WaitUntil
) -> None:
    cards.plug(RTX_4090)
    first = start_worker("--model", "slow", env={"SLOTLINE_LOAD_ATTEMPTS": "1"})
    wait_until(cards.journal, 20, "the first to load")
    first.kill()
    assert raw.exists(keys.turn("GPU-4090"))
    second = start_worker("--model", "slow")
    second.wait_for_log(r"ready: slow on slow-gpu0-\d, ", LEASE_S + 25)


def test_a_model_whose_room_was_taken_meanwhile_is_not_loaded_and_the_worker_ends_with_the_numbers(
    cards: Cards, start_worker: StartWorker, child_of: ChildOf, wait_until: WaitUntil
) -> None:
    cards.plug(RTX_3080)
    worker = ready(start_worker("--model", "viettts", env={"SLOTLINE_LOAD_ATTEMPTS": "1"}), "viettts-gpu0-0")
    loads = len(cards.journal())
    cards.take("GPU-3080", os.getpid(), 3.0)
    os.kill(child_of(worker.pid), signal.SIGKILL)
    worker.wait_for_log(
        r"model viettts: cannot load it \(tried 1 time\): NoFreeSlot: viettts does not fit on gpu0 "
        rf"\(NVIDIA GeForce RTX 3080\): 7\.4 measured, 7\.0 of 10\.0 GB are free; pid {os.getpid()} uses 3\.0 GB"
    )
    assert worker.wait() == 1
    assert len(cards.journal()) == loads


def up(start_process: StartProcess, *arguments: str, env: dict[str, str] | None = None) -> Process:
    from tasks.launch import slotline_command

    return start_process(*slotline_command("up", *arguments), name="up", env=env)


def test_up_says_where_everything_goes_and_pins_each_worker_there(
    cards: Cards, broker: str, start_process: StartProcess
) -> None:
    cards.plug(RTX_3080, RTX_4090)
    wanted = ["--model", "viettts=3", "--model", "bart", "--model", "silence", "--flow", "0", "--broker", broker]
    stack = up(start_process, *wanted)
    stack.wait_for_log("slotline is up:", 90)
    assert (
        "slotline: gpu0 (NVIDIA GeForce RTX 3080, 10 GB): 1 × viettts (7.5 by memory_gb) = 7.5 of 8.0 GB" in stack.log()
    )
    assert (
        "slotline: gpu1 (NVIDIA GeForce RTX 4090, 24 GB): 2 × viettts (7.5 by memory_gb) + "
        "1 × bart (1.5 by memory_gb) = 16.5 of 22.0 GB" in stack.log()
    )
    assert {*re.findall(r"\w+-(?:gpu\d|cpu)-\d(?=@)", stack.log())} >= {"viettts-gpu0-0", "silence-cpu-0"}
    pinned = [one["visible"] for one in cards.journal() if one["what"] == "end"]
    assert sorted(pinned) == ["GPU-3080", *["GPU-4090"] * 3]
    assert stack.stop(40) == 0


def test_up_starts_nothing_that_does_not_fit(cards: Cards, broker: str, start_process: StartProcess) -> None:
    cards.plug(RTX_3080, RTX_3070)
    stack = up(start_process, "--model", "viettts=2", "--model", "bart", "--broker", broker)
    assert stack.wait(30) == 1
    assert "these slots do not fit together: viettts=2 (7.5 by memory_gb each), bart=1 (1.5 by memory_gb each)." in (
        stack.log()
    )
    assert "gpu1 (NVIDIA GeForce RTX 3070, 8 GB): 6.0 GB for models, each alone: viettts 8.0 GB − 2.0 buffer" in (
        stack.log()
    )
    assert cards.journal() == []


def test_slots_shows_the_plan_with_its_reasons_and_who_holds_what(
    cards: Cards, broker: str, start_worker: StartWorker, start_process: StartProcess
) -> None:
    from tasks.launch import slotline_command

    cards.plug(RTX_4090, {**H200, "lost": True})
    worker = ready(start_worker("--model", "viettts"), "viettts-gpu0-0")
    shown = start_process(*slotline_command("slots", "--json"))
    assert shown.wait() == 0
    told = json.loads(shown.log())
    assert told["note"] == "gpu1 cannot be used (NVML: GPU is lost)"
    rows = {(row["what"], row["slot"], row.get("model")): row for row in told["slots"]}
    assert rows["held", "gpu0-0", "viettts"]["pid"] == worker.pid
    assert rows["held", "gpu0-0", "viettts"]["state"] == "ready"
    plan = rows["plan", "gpu0", "viettts"]
    assert (plan["more"], plan["why"]) == (1, "1 held; 16.6 GB − 2.0 buffer, 7.4 measured → 1 more")
    assert rows["plan", "gpu0", "bart"]["more"] == 9
    assert ("plan", "gpu0", "silence") not in rows
    assert rows["gpu", "gpu0", None]["uuid"] == "GPU-4090"
    assert rows["free", "cpu-1", None]["state"] == "free"
    table = start_process(*slotline_command("slots"))
    assert table.wait() == 0
    assert re.search(r"gpu0-0 +viettts-gpu0-0@\S+ +viettts +\d+ +00:00:\d\d +ready", table.log())
    assert "1 held; 16.6 GB − 2.0 buffer, 7.4 measured → 1 more" in table.log()
