"""Whatever is submitted: refused before anything is sent, or recorded in the step that sends it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest
import redis

from producer import Client, Progress
from tasks.errors import IdInUse, InvalidInput, OtherStore, UnknownModel, UnknownVoice
from tasks.flow.ledger.sizes import unpacked
from tasks.messages import ChapterRequest
from tasks.messages.base import JobRequest, PartRequest
from tasks.offers import Offers, Published
from tasks.redis import keys
from tasks.redis.task_id import digest_of
from tasks.shared_store.users import StoreUse
from tests.unit.producer.messages import sent

LONG = "\n\n".join(f"Đoạn văn số {number}, khá dài và có dấu." for number in range(600))


class DreamRequest(PartRequest):
    """One piece of a kind of work that slotline does not know."""

    task = "dream.one"
    kind = "dream"
    content: ClassVar[frozenset[str]] = frozenset({"seed"})

    seed: str


class DreamsRequest(JobRequest):
    """Many of them."""

    task = "dream.all"
    kind = "dreams"

    seeds: list[str]


@pytest.fixture
def client(broker: str, catalog_file: Path) -> Client:
    return Client()


def test_a_long_text_passes_redis_by_reference(client: Client, redis_client: redis.Redis) -> None:
    client.submit_chapter(LONG, model="quick")
    client.submit_book([{"title": "A", "text": LONG}, {"title": "B", "text": "Short."}], model="quick")
    messages = redis_client.lrange("flow", 0, -1)
    assert len(messages) == 2
    assert sum(map(len, messages)) < 4096
    assert all("text_ref" in message and "Đoạn văn" not in message for message in messages)


def test_what_no_ready_worker_reads_is_logged_and_sent(
    client: Client, redis_client: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    client.submit_chapter("Hello.", model="quick")
    assert [record.message.partition(" is ready")[0] for record in caplog.records] == [
        "no flow worker",
        "no worker of quick",
    ]
    noted: list[str] = []
    client = Client()
    client.note = noted.append
    client.submit_paragraph("Hello.", model="quick")
    assert [line.partition(" is ready")[0] for line in noted] == ["no worker of quick"]
    assert (redis_client.llen("flow"), redis_client.llen("quick")) == (1, 1)


def test_a_job_is_recorded_in_the_step_that_sends_it(client: Client, redis_client: redis.Redis) -> None:
    job = client.submit_chapter("Hello.", model="quick", title="Greeting")
    record = client.jobs()[0]
    assert (record.job_id, record.kind, record.state, record.title) == (job.id, "chapter", "sent", "Greeting")
    assert job.progress() == Progress("PENDING")
    with pytest.raises(IdInUse, match="is the id of another request"):
        client.submit_book([{"text": "Hello."}], model="quick", job_id=job.id)
    assert redis_client.llen("flow") == 1


def test_the_same_request_sent_again_under_its_id_is_sent_once_and_another_is_refused(
    client: Client, redis_client: redis.Redis
) -> None:
    for _ in range(2):
        client.submit_book([{"text": "Hello."}], model="quick", job_id="book")
    client.ledger.claims.own("text", digest_of("speech.paragraph", {"model": "quick", "text": "Hello."}))
    for wanted in ("book", "text"):
        with pytest.raises(IdInUse, match=f"'{wanted}' is the id of another request"):
            client.submit_book([{"text": "Goodbye."}], model="quick", job_id=wanted)
    assert redis_client.llen("flow") == 1


@pytest.mark.parametrize(
    ("fields", "error", "words"),
    [
        ({"text": ""}, InvalidInput, "text: is empty"),
        ({"text": "  \n "}, InvalidInput, "text: is empty"),
        ({"speed": 9}, InvalidInput, "speed"),
        ({"speed": float("nan")}, InvalidInput, "speed"),
        ({"model": "qick"}, UnknownModel, "did you mean 'quick'"),
        ({"model": "no model"}, InvalidInput, "model"),
        ({"voice": "ana"}, UnknownVoice, "voice: quick has no voice 'ana'; it has anna"),
    ],
)
def test_bad_input_is_refused_before_anything_is_sent(
    client: Client,
    redis_client: redis.Redis,
    broker: str,
    fields: dict[str, object],
    error: type[Exception],
    words: str,
) -> None:
    with redis.Redis.from_url(broker) as raw:
        Offers(raw).publish(Published("quick", "rehearsal", "1", 22_050, {"anna": "en", "bert": "en"}))
    before = set(redis_client.keys())
    request: dict[str, Any] = {"text": "Hello.", "model": "quick", **fields}
    text = request.pop("text")
    for submit in (client.submit_paragraph, client.submit_chapter):
        with pytest.raises(error, match=words):
            submit(text, **request)
    assert set(redis_client.keys()) == before


def test_a_model_that_only_a_worker_knows_is_taken(client: Client, broker: str) -> None:
    with redis.Redis.from_url(broker) as raw:
        Offers(raw).publish(Published("elsewhere", "viettts", "1", 24_000))
    assert client.submit_paragraph("Hello.", model="elsewhere").status() == "PENDING"


def test_a_kind_that_is_not_known_here_is_sent_by_its_own_words(client: Client, redis_client: redis.Redis) -> None:
    job = client.submit(DreamsRequest(model="quick", title="Night", seeds=["one", "two"]))
    alone = client.submit(DreamRequest(model="quick", seed="one"))
    [record] = client.jobs()
    assert (record.job_id, record.kind, record.title, record.voice) == (job.id, "dreams", "Night", "")
    assert sent(redis_client, "flow") == [("dream.all", {"model": "quick", "title": "Night", "seeds": ["one", "two"]})]
    assert sent(redis_client, "quick") == [("dream.one", {"model": "quick", "seed": "one"})]
    assert alone.status() == "PENDING"


@pytest.mark.parametrize("job_id", ["", "x" * 600, "\ud800", "book:sent"])
def test_an_id_that_a_job_cannot_have_is_refused_before_anything_is_sent(
    client: Client, redis_client: redis.Redis, job_id: str
) -> None:
    with pytest.raises(InvalidInput, match="^id: "):
        client.submit_book([{"text": "Hello."}], model="quick", job_id=job_id)
    assert redis_client.dbsize() == 0


def test_a_client_with_another_store_than_the_workers_sends_and_stores_nothing(
    client: Client, other_store: StoreUse, raw_redis: Any, tmp_path: Path
) -> None:
    other_store.join(raw_redis, 30)
    before = set(raw_redis.keys())
    submits: list[Callable[[], object]] = [
        lambda: client.submit_paragraph("Hello.", model="quick"),
        lambda: client.submit_chapter(LONG, model="quick"),
        lambda: client.submit_book([{"text": LONG}], model="quick"),
        lambda: client.map("quick", ["One.", "Two."]),
        client.check_store,
    ]
    for submit in submits:
        with pytest.raises(OtherStore, match=r"the store here is .*/store on .*another one: /their/store"):
            submit()
    assert set(raw_redis.keys()) == before
    assert not (tmp_path / "store").exists()


def test_the_sizes_of_long_texts_are_recorded_though_the_message_only_names_them(broker: str, client: Client) -> None:
    chapters = [{"title": "1", "text": LONG}, {"title": "2", "text": LONG[:5000]}]
    job = client.submit_book(chapters, title="t", model="quick")
    raw = redis.Redis.from_url(broker)
    assert list(unpacked(raw.get(keys.sizes(job.id)))) == [len(LONG), 5000]  # type: ignore[arg-type]


def test_what_is_asked_for_again_while_it_is_open_is_taken_up_and_not_sent_twice(
    client: Client, redis_client: redis.Redis
) -> None:
    request = ChapterRequest.parse({"text": "Some words.", "model": "quick"})
    job, was_open = client.take_up(request)
    again, is_open = client.take_up(request)
    assert (job.id, was_open, is_open) == (again.id, False, True)
    other, was_open = client.take_up(request.model_copy(update={"speed": 2.0}))
    assert (other.id != job.id, was_open) == (True, False)
    job.cancel()
    third, was_open = client.take_up(request)
    assert (third.id != job.id, was_open) == (True, False)
    assert len(sent(redis_client, "flow")) == 3
