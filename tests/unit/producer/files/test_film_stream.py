"""A film that is read while its job runs: pieces in order, the whole at the end, and the job's own error."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import redis

from producer import Client, Job
from tasks.errors import ArtifactMissing, BrokerUnavailable, InvalidInput, JobCancelled, MissingExtra, PartsFailed
from tasks.flow.ledger.queries import Queries
from tasks.messages import Film, VideoResult
from tasks.redis import keys
from tests.unit.tasks.flow.ledger.opened_jobs import OPENING
from tests.unit.tasks.media.film.films import Seen, click_at, seen, stretch

SOUND = "sound/ab/sound.wav"
FRAMES = 5


class OpenFilm:
    """The job of a film of three stretches, as a flow worker has opened it, and what becomes of it."""

    def __init__(self, client: Client, job_id: str = "", **params: Any) -> None:
        self.client, self.id = client, job_id or uuid.uuid4().hex
        shared = {"model": "faces", "audio": SOUND, **params}
        opening = replace(OPENING, kind="video", params=shared, payloads=["F0", "F1", "F2"], measure=None)
        client.ledger.transitions.open(self.id, opening)

    def settle(self, number: int, is_stored: bool = True) -> str:
        """The stretch with this number is done."""
        name = f"lipsync/ab/{uuid.uuid4().hex}.mp4"
        if is_stored:
            self.client.store.put_bytes(name, stretch((number - 1) * FRAMES, FRAMES))
        film = Film(artifact=name, width=64, height=64, frames=FRAMES, bytes=1).fields()
        self.client.ledger.transitions.settle(self.id, number, "done", {"film": film, "computed": 1}, 1)
        return name

    def end(self, status: str = "SUCCESS", result: object = None) -> None:
        """What Celery stores."""
        film = Film(artifact=f"film/ab/{self.id}.mp4", width=64, height=64, frames=15, bytes=4)
        made = VideoResult(film=film, audio=SOUND, frames=15, stretches=3, computed=3).fields()
        stored = {"status": status, "result": made if status == "SUCCESS" else result}
        self.client.connection.redis.set(keys.RESULT_PREFIX + self.id, json.dumps(stored))

    def stream(self) -> Iterator[bytes]:
        job: Job = Job(self.client.connection, self.client.store, self.id)
        return job.stream_film()


@pytest.fixture
def client(broker: str, catalog_file: Path, tmp_path: Path) -> Client:
    found = Client()
    found.store.put_bytes(SOUND, click_at(tmp_path / "a.wav", 0.3, 0.6, 16_000).read_bytes())
    return found


def check_whole(pieces: Sequence[bytes]) -> Seen:
    whole = seen(b"".join(pieces))
    assert whole.shows(*range(15))
    assert whole.times_ms == [40 * number for number in range(15)]
    assert abs(whole.lengths_s["audio"] - 0.6) < 0.04
    return whole


def test_a_stretch_is_given_as_soon_as_all_before_it_are_there(client: Client) -> None:
    film = OpenFilm(client)
    film.settle(2)
    film.settle(1)
    pieces, stream = [], film.stream()
    pieces += [next(stream), next(stream)]
    assert seen(b"".join(pieces)).shows(*range(10)), "shown before the third stretch is computed"
    film.settle(3)
    pieces.append(next(stream))
    check_whole(pieces)
    film.end()
    assert list(stream) == []


def test_all_pieces_are_the_whole_film_with_its_sound_where_it_was(client: Client) -> None:
    film = OpenFilm(client)
    for number in (3, 1, 2):
        film.settle(number)
    film.end()
    assert abs(check_whole(list(film.stream())).onset_s - 0.3) < 0.002


def test_the_film_of_a_text_comes_from_its_second_step(client: Client) -> None:
    outer = OpenFilm(client)
    client.connection.redis.hset(keys.job(outer.id), "params", json.dumps({"video": {}}))
    film = OpenFilm(client, f"{outer.id}.2")
    for number in (1, 2, 3):
        film.settle(number)
    outer.end()
    check_whole(list(outer.stream()))


def test_a_reader_may_be_slower_than_the_job(client: Client) -> None:
    film = OpenFilm(client)
    for number in (1, 2, 3):
        film.settle(number)
    stream = film.stream()
    first = next(stream)
    client.ledger.transitions.end(film.id, "video", "SUCCESS", {}, None)
    film.end()
    check_whole([first, *stream])


@pytest.mark.parametrize(
    ("status", "result", "error", "words"),
    [
        ("REVOKED", None, JobCancelled, "was cancelled"),
        (
            "FAILURE",
            {"exc_type": "PartsFailed", "exc_message": ["2 of 3 failed"], "exc_module": "tasks.errors"},
            PartsFailed,
            "^2 of 3 failed$",
        ),
    ],
)
def test_it_ends_with_the_jobs_own_error(
    client: Client, status: str, result: object, error: type[Exception], words: str
) -> None:
    film = OpenFilm(client)
    film.settle(1)
    stream = film.stream()
    next(stream)
    client.ledger.transitions.settle(film.id, 2, "failed", {"error": {"type": "ModelError", "message": "no"}})
    film.end(status, result)
    with pytest.raises(error, match=words):
        next(stream)


def test_a_stretch_that_is_missing_is_waited_for_until_it_is_computed_again(client: Client) -> None:
    film = OpenFilm(client)
    name = film.settle(1, is_stored=False)
    progress = iter(range(99))

    def computed_again() -> None:
        if next(progress) == 2:
            client.store.put_bytes(name, stretch(0, FRAMES))

    stream = Job(client.connection, client.store, film.id).stream_film(on_look=computed_again)
    assert seen(next(stream)).shows(*range(5))
    film.settle(2, is_stored=False)
    film.end()
    with pytest.raises(ArtifactMissing, match=f"^stretch 2 of job {film.id} is no longer in the store; save the film$"):
        next(stream)


def test_while_redis_is_away_it_waits_and_then_goes_on_where_it_was(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = OpenFilm(client)
    for number in (1, 2, 3):
        film.settle(number)
    looks, outcome = iter(range(99)), Queries.outcome

    def away_twice(queries: Queries, job_id: str, part: int) -> dict[str, Any] | None:
        if next(looks) in (1, 2):
            raise BrokerUnavailable("away")
        return outcome(queries, job_id, part)

    monkeypatch.setattr(Queries, "outcome", away_twice)
    stream = film.stream()
    pieces = [next(stream) for _ in range(3)]
    check_whole(pieces)
    film.end()
    assert list(stream) == []


def test_a_film_whose_stretches_are_gone_is_given_as_it_is(client: Client) -> None:
    film = OpenFilm(client)
    film.settle(1, is_stored=False)
    film.end()
    client.store.put_bytes(f"film/ab/{film.id}.mp4", b"film")
    assert list(film.stream()) == [b"film"]


def test_what_makes_no_film_is_refused(client: Client, redis_client: redis.Redis) -> None:
    chapter = client.submit_chapter("One.", model="quick")
    with pytest.raises(InvalidInput, match=f"^id: job {chapter.id} makes no film$"):
        list(chapter.stream_film())
    pictures = OpenFilm(client, pictures="jpg")
    with pytest.raises(InvalidInput, match=f"^id: job {pictures.id} makes pictures, and no film that can be streamed$"):
        list(pictures.stream())


def test_without_pyav_it_is_refused_before_anything_is_waited_for(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(what: str) -> None:
        raise MissingExtra("film: PyAV")

    monkeypatch.setattr("producer.files.film_stream.load", load)
    with pytest.raises(MissingExtra):
        next(OpenFilm(client).stream())
