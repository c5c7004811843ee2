"""Twelve faces in slots that hold four, with deaths in between: no film is lost, no face is unloaded in use."""

from __future__ import annotations

import io
import os
import re
import shutil
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import redis
from celery import Celery

from producer import Client
from producer.job import Job
from tasks.errors import PartsFailed, UnknownFace
from tasks.media.wav import encode_wav
from tasks.messages import VideoResult
from tasks.redis import keys
from tests.fixtures.environment import UseCatalog
from tests.fixtures.faces import sounds
from tests.fixtures.faces.folder import FaceLook, make_face
from tests.fixtures.processes import Process
from tests.fixtures.waiting import GIVE_UP_S, WaitUntil, wait_for
from tests.fixtures.workers import StartFlow, StartSlot
from workers.adapters.rehearsal.film import mark_of, told
from workers.duties.remote_control import STATUS

FACES = [f"face{number}" for number in range(12)]
SLOW = FACES[7]
SECONDS = 3
RATE = 16_000
CATALOG = """
[models.faces]
adapter = "rehearsal"
gives = "film"
path = "faces/{id}"
faults = true
frame_size = 16
load_seconds = 0.02
seconds_per_frame = 0.002
max_models = 4
batch_size = 2
preload = ["face0", "face1"]
"""
REAL = """
[models.faces]
adapter = "lipsync"
path = "faces/{id}"
max_models = 2
threads = 1
"""
ENVIRONMENT = {"SLOTLINE_LEASE_S": "4", "SLOTLINE_RETRY_S": "0.1", "SLOTLINE_CPU_SLOTS": "2"}

Statuses = Callable[..., list[Mapping[str, Any]]]


@pytest.fixture
def folder(use_catalog: UseCatalog) -> Path:
    folder = use_catalog(CATALOG).parent / "faces"
    for name in FACES:
        (folder / name).mkdir(parents=True)
    (folder / SLOW / "fault").write_text("⚡slow=1.5")
    return folder


@pytest.fixture
def statuses(foreign: Celery) -> Statuses:
    """The statuses of all slots, when the child of each has answered in time."""

    def asked(workers: int) -> list[Mapping[str, Any]]:
        replies = foreign.control.broadcast(STATUS, reply=True, timeout=GIVE_UP_S, limit=workers) or []
        found = [answer for reply in replies for answer in reply.values() if "model" in answer]
        return found if all(answer["answers"] for answer in found) else []

    return lambda workers=3: wait_for(lambda: asked(workers), what="an answer of each child")


def submit(client: Client, first_background: int, faces: Sequence[str] = FACES) -> dict[str, Job[VideoResult]]:
    """One film of each face; another `first_background` makes other films."""
    at = np.arange(SECONDS * RATE) / RATE
    sound = encode_wav((0.3 * np.sin(2 * np.pi * 220 * at)).astype(np.float32), RATE)
    return {
        name: client.submit_video(sound, model="faces", face=name, first_background=first_background) for name in faces
    }


def check(client: Client, films: Mapping[str, Job[VideoResult]]) -> int:
    """Each film shows all its frames, and no face but its own; returns how many stretches were computed."""
    computed = 0
    for name, job in films.items():
        made = job.wait(GIVE_UP_S)
        assert made.film is not None
        with av.open(io.BytesIO(client.store.read_bytes(made.film.artifact))) as source:
            shown = [told(one.to_ndarray(format="bgr24")) for one in source.decode(video=0)]
        assert [one.frame for one in shown] == list(range(SECONDS * 25))
        assert {one.face for one in shown} == {mark_of(name)}
        computed += made.computed
    return computed


def kill_child(slot: Process) -> None:
    os.kill(slot.child(), signal.SIGKILL)


@pytest.mark.usefixtures("folder")
def test_twelve_faces_under_a_bound_of_four_lose_nothing_when_children_and_workers_die(
    client: Client,
    start_slot: StartSlot,
    start_flow: StartFlow,
    redis_client: redis.Redis,
    statuses: Statuses,
    wait_until: WaitUntil,
) -> None:
    start_flow(env=ENVIRONMENT)
    slots = [start_slot("faces", env=ENVIRONMENT, name=f"slot{number}") for number in range(2)]
    assert [sorted(one["id"] for one in status["registry"]["models"]) for status in statuses()] == [FACES[:2]] * 2
    films = submit(client, 0)
    loads, *_ = wait_until(lambda: loading(slots, statuses(), SLOW), what="the slow face to be loaded")
    kill_child(loads)
    loads.wait_for_log("ready: faces", count=2)
    assert check(client, films) == SECONDS * len(FACES)
    more = submit(client, 100)
    wait_until(lambda: redis_client.hlen(keys.HELD) > 1, what="work in both slots")
    slots[0].kill()
    all_slots = [*slots, start_slot("faces", env=ENVIRONMENT, name="slot2")]
    kill_child(slots[1])
    assert check(client, more) == SECONDS * len(FACES)
    for registry in (status["registry"] for status in statuses()):
        assert len(registry["models"]) <= registry["max_models"] == 4
    assert not redis_client.zcard(keys.FAILED)
    log = "".join(slot.log() for slot in all_slots)
    assert "while it was in use" not in log
    assert len(re.findall("face[0-9]+ is unloaded to make room", log)) >= len(FACES) - 2 * 4


@pytest.mark.usefixtures("model_packages")
def test_a_face_that_comes_back_or_is_replaced_or_removed_shows_what_its_folder_has(
    client: Client,
    start_slot: StartSlot,
    start_flow: StartFlow,
    use_catalog: UseCatalog,
    statuses: Statuses,
    wait_until: WaitUntil,
    tmp_path: Path,
) -> None:
    use_catalog(REAL)
    for name in FACES[:3]:
        make_face(tmp_path / "faces", name)
    start_flow(env=ENVIRONMENT)
    slot = start_slot("faces", env=ENVIRONMENT)

    films = [film(client, name, turn) for turn in range(3) for name in FACES[:3]]
    assert len(set(films)) == len(films)
    (status,) = statuses(2)
    assert status["registry"]["evictions"] >= 6
    assert all(one["stats"]["misses"] for one in status["registry"]["models"]), "what is counted beside the model"
    kill_child(slot)
    assert film(client, FACES[0]) == films[0]
    shutil.rmtree(tmp_path / "faces" / FACES[0])
    make_face(tmp_path / "faces", FACES[0], FaceLook(seed=7))
    wait_until(lambda: film(client, FACES[0]) != films[0], what="the film of the new folder")
    shutil.rmtree(tmp_path / "faces" / FACES[0])
    wait_until(lambda: is_unknown(client, FACES[0]), what="the end of the removed face")
    assert film(client, FACES[1], 9)
    assert not re.search("Traceback|while it was in use", slot.log()), slot.tail()


def film(client: Client, name: str, first_background: int = 0) -> str:
    """The artifact of a film of one second."""
    sound = encode_wav(sounds.loud_from(0.5, 1.0).astype(np.float32), RATE)
    job = client.submit_video(sound, model="faces", face=name, first_background=first_background)
    made = job.wait(GIVE_UP_S)
    assert made.film is not None
    return made.film.artifact


def is_unknown(client: Client, name: str) -> bool:
    try:
        film(client, name)
    except (UnknownFace, PartsFailed) as exc:
        return f"faces has no face '{name}'" in str(exc)
    return False


def loading(slots: Sequence[Process], found: Sequence[Mapping[str, Any]], name: str) -> list[Process]:
    """The slots that load this face now, by their statuses."""
    pids = [
        status["parent"]
        for status in found
        for one in status["registry"]["models"]
        if one["id"] == name and one["state"] == "loading"
    ]
    return [slot for slot in slots if slot.pid in pids]
