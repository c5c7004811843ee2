"""Ids, names, titles, models and voices of any characters through the whole flow, on a real Redis without a worker.

What workers do is done here by hand, in the order in which they do it: reserve, open, take, claim, settle, finish; and
beside that cancel, retry, sweep, set aside, list and save. Whatever the texts are: every message is JSON and is found
by the sweep, nothing is left anywhere, no text comes out changed, and none moves a cursor or leaves its folder.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from celery import Celery, Task
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from producer.display.job_table import print_jobs
from producer.display.table import print_failures
from producer.files.save import save
from tasks.errors import InvalidInput, SlotlineError
from tasks.flow import envelope, outcomes, repair
from tasks.flow.cancel import cancel
from tasks.flow.job import run
from tasks.flow.ledger import Ledger
from tasks.flow.ledger.record import Settlement
from tasks.flow.outcomes import Done
from tasks.kinds.speech import PARTS, BookKind, ChapterKind
from tasks.messages import BookResult, ChapterRequest, ChapterResult
from tasks.redis import keys
from tasks.redis.task_id import digest_of, fault_of, is_text
from tasks.routing import list_keys
from tasks.store.artifacts import store
from tasks.terminal.printable import printable
from tests.fixtures.environment import UseCatalog
from tests.unit.tasks.flow.ledger.opened_jobs import OPENING
from tests.unit.workers.child.rehearsals import MODEL, OneRehearsal
from tests.unit.workers.sidecar import in_one_process
from workers.transport.leases import Leases
from workers.wire.call import Call

pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated setex")  # Celery's own backend

CATALOG = f'[models.{MODEL}]\nadapter = "rehearsal"\nvoice = "vi"\n'
KINDS = {"speech.chapter": ChapterKind(), "speech.book": BookKind()}

OWN = "own."
"""The tasks have names of their own here, because those of `tasks.app` are in every Celery application."""

NASTY = (
    *('"', "\\", "'", "\n", "\r", "\t", "\0", "\x1b[2J", "\x7f", "\x9b", "\u2028", "\u202e", "\x06\x16", "\ud800"),
    *("%", ".", ":", "|", "1", ".1", "end", ":parts", "*", "?[", "/", "..", "{}", "Phèo", "🦜"),
)
text = st.lists(st.sampled_from(NASTY) | st.characters(), max_size=8).map("".join)
any_text = examples(
    max_examples=25,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@dataclass
class Workers:
    """The steps of a flow worker and of a slot worker, each on what it reserves itself."""

    ledger: Ledger
    redis: Any
    task: Callable[[str], Any]
    models: OneRehearsal

    def __post_init__(self) -> None:
        self.leases = Leases(self.redis, 30.0)

    def reserve(self, queue: str) -> list[tuple[str, dict[str, Any]]]:
        """Every message of the queue with its key; each of them is JSON for Redis and for Python."""
        taken = self.leases.reserve(list_keys(queue), 100)
        assert taken.set_aside == []
        return [(held.key, json.loads(held.message)) for held in taken.taken]

    def flow(self) -> list[Any]:
        """Run each message of the queue `flow`; what each came to."""
        came = []
        for key, message in self.reserve("flow"):
            headers = message["headers"]
            came.append(self.task(headers["task"]).apply(kwargs=kwargs_of(message), task_id=headers["id"]))
            self.leases.ack(key)
        self.leases.flush()
        return came

    def slot(self, verdict: str = "done") -> int:
        """Compute each message of the model's queue, and settle its part; how many."""
        held = self.reserve(MODEL)
        calls = [
            Call(message["headers"]["task"], message["headers"]["id"],
                 {**message["headers"], "delivery_info": {"routing_key": MODEL}, "properties": {"delivery_tag": key}},
                 message["body"], "application/json", "utf-8")
            for key, message in held
        ]  # fmt: skip
        in_one_process.run(self.models, self.ledger, calls)
        for call in calls:
            outcome, kwargs = outcomes.take(call.task_id), call.kwargs()
            assert isinstance(outcome, Done), outcome
            made = PARTS.record(outcome.artifact)
            settled: Mapping[str, Any] = {**made.settled, "computed": outcome.computed}
            if verdict == "failed":
                settled = {"error": {"type": "ModelError", "message": kwargs["words"]}}
            one = Settlement(kwargs["job"], kwargs["part"], verdict, settled, 1, made.measure, outcome.attempt)  # type: ignore[arg-type]
            assert self.ledger.transitions.settle_all([one]) == [verdict]
        for key, _ in held:
            self.leases.ack(key)
        self.leases.flush()
        return len(held)

    def swept(self) -> list[str]:
        """What a pass of the sweep takes for lost."""
        jobs = self.ledger.queries.open_jobs(100)
        return [what for job in jobs for what in self.ledger.transitions.sweep(job, 1000).sent]

    def until_done(self, verdict: str = "done") -> list[Any]:
        """Work until no message is left; what the runs of the flow came to."""
        came: list[Any] = []
        while self.redis.exists(*list_keys("flow"), *list_keys(MODEL)):
            assert self.swept() == []
            came += self.flow()
            assert self.swept() == []
            self.slot(verdict)
        assert not self.redis.exists(keys.HELD, keys.LEASES, keys.DELAYED)
        return came


def kwargs_of(message: Mapping[str, Any]) -> dict[str, Any]:
    body = message["body"]
    kwargs: dict[str, Any] = json.loads(body if body[:1] == "[" else base64.b64decode(body))[1]
    return kwargs


@pytest.fixture
def workers(ledger: Ledger, raw_redis: Any, broker: str, use_catalog: UseCatalog) -> Iterator[Workers]:
    use_catalog(CATALOG)
    with Celery("flow", broker=broker, backend=broker, set_as_current=False) as app:
        for name, kind in KINDS.items():

            @app.task(name=OWN + name, bind=True, shared=False, throws=(SlotlineError,))
            def task(self: Task, *, _kind: Any = kind, **fields: Any) -> Mapping[str, Any]:
                return run(self, _kind, ledger, fields)

        yield Workers(ledger, raw_redis, lambda name: app.tasks[OWN + name.removeprefix(OWN)], OneRehearsal())
        app.backend.client.close()


@pytest.fixture
def ledger(raw_redis: Any) -> Ledger:
    return Ledger(raw_redis)


def send(workers: Workers, task: str, job: str, fields: Mapping[str, Any]) -> None:
    message = envelope.new_message(task, job, fields, "flow")
    request = digest_of(OWN + task, fields)
    assert workers.ledger.transitions.submit(job, task, str(fields["title"]), MODEL, "", "flow", message, request)


def are_text(*texts: str) -> bool:
    return all(map(is_text, texts))


@given(job=text, title=text, words=text, voice=text)
@any_text
def test_any_job_is_opened_computed_finished_listed_and_saved(
    workers: Workers, tmp_path: Path, capsys: pytest.CaptureFixture[str], job: str, title: str, words: str, voice: str
) -> None:
    workers.redis.flushall()
    fields = {"model": MODEL, "title": title, "text": f"Good. {words}\n\nAgain: {words}", "voice": voice or None}
    if not are_text(title, words, voice):
        with pytest.raises(InvalidInput):
            ChapterRequest.parse(fields)
        return
    request = ChapterRequest.parse(fields)
    chapter, book = f"{job}c", f"{job}b"
    if fault_of(chapter):
        assert not is_text(job)
        return
    send(workers, "speech.chapter", chapter, request.fields())
    own = {"title": title, "text": fields["text"]}
    send(workers, "speech.book", book, {"model": MODEL, "title": title, "voice": voice or None, "chapters": [own, own]})
    done = [one.result for one in workers.until_done() if one.state == "SUCCESS"]
    assert len(done) == 4, "the chapter, the book, and its two chapters"

    records = {record.job_id: record for record in workers.ledger.queries.jobs()}
    assert {chapter, book, f"{book}.1", f"{book}.2"} == set(records)
    assert {record.label for record in records.values()} == {"SUCCESS"}
    assert (records[book].title, records[book].voice) == (title, voice or "vi")
    progress = json.loads(workers.redis.get(keys.RESULT_PREFIX + chapter))
    assert progress["task_id"] == chapter
    print_jobs(list(records.values()), 0.0, {}, {})
    assert all(printable(line) == line for line in capsys.readouterr().out.split("\n"))

    (whole,) = [BookResult.parse(one) for one in done if one["kind"] == "book"]
    folder = tmp_path / "saved"
    for path in [*save(store(), whole, folder, "wav"), *folder.rglob("*")]:
        assert path.resolve().parent == folder.resolve()
        assert printable(path.name) == path.name
    assert all(ChapterResult.parse(one).audio for one in done if one["kind"] == "chapter")


@given(job=text, title=text, words=text, reason=text)
@any_text
def test_any_job_can_be_cancelled_fail_be_set_aside_and_be_retried(
    workers: Workers, capsys: pytest.CaptureFixture[str], job: str, title: str, words: str, reason: str
) -> None:
    workers.redis.flushall()
    failing, cancelled = f"{job}f", f"{job}c"
    if fault_of(failing) or not are_text(title, words):
        return
    fields = ChapterRequest.parse({"model": MODEL, "title": title, "text": f"Good. {words}"}).fields()
    send(workers, "speech.chapter", failing, fields)
    workers.flow()
    workers.slot("failed")
    send(workers, "speech.chapter", cancelled, fields)
    assert cancel(workers.ledger, cancelled, lambda ids: None)
    assert {one.state for one in workers.until_done()} <= {"FAILURE", "IGNORED"}
    labels = {job_id: workers.ledger.queries.record(job_id) for job_id in (failing, cancelled)}
    assert [record.label for record in labels.values() if record] == ["FAILURE", "REVOKED"]

    message = envelope.new_message("speech.paragraph", f"{job}s", {"text": words}, MODEL)
    workers.ledger.set_asides.add(MODEL, reason.encode(errors="replace").decode(), message)
    found = repair.failures(workers.ledger)
    print_failures(found, 0.0, with_traceback=True)
    assert all(printable(line, kept="\t") == line for line in capsys.readouterr().out.split("\n"))
    assert {failure.job for failure in found} == {failing, None}
    (aside,) = [failure.id for failure in found if failure.job is None]
    assert repair.retry(workers.ledger, aside) == 1
    ((key, again),) = workers.reserve(MODEL)
    assert again["headers"]["id"] == f"{job}s"
    workers.leases.ack(key)
    workers.leases.flush()

    assert repair.retry(workers.ledger, failing) >= 1
    assert [one.state for one in workers.until_done()] == ["SUCCESS"]
    assert not repair.failures(workers.ledger)


@given(job=text, model=text, voice=text, title=text, params=st.dictionaries(text, text, max_size=3))
@any_text
def test_the_ledger_keeps_any_names_as_they_are(
    workers: Workers, job: str, model: str, voice: str, title: str, params: dict[str, str]
) -> None:
    workers.redis.flushall()
    if fault_of(job) or not are_text(model, voice, title, *params, *params.values()):
        return
    opening = replace(
        OPENING, title=title, model=model, voice=voice, params=params, root=job, payloads=[f"P{title}", "P", "C.1\n{}"]
    )
    assert workers.ledger.transitions.open(job, opening) == 3
    record = workers.ledger.queries.record(job)
    assert record is not None
    assert (record.job_id, record.title, record.model, record.voice) == (job, title, model, voice)
    taken = workers.ledger.claims.take(job, 1)
    assert taken is not None
    assert (taken.payload, taken.params) == (f"P{title}", params)
    assert workers.ledger.queries.payloads(job) == opening.payloads
    assert workers.ledger.queries.jobs() == [record]
