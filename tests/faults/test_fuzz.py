"""Whatever is sent, as a task's arguments or as a raw message, is answered or set aside, and the workers stay well.

One slot and one flow worker take many examples at once. Answered means: a final result
under the message's id, or the message whole in `slotline:setaside`. Nothing stays in a
queue or in a hand, and a good chapter passes through both workers afterwards.
"""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
import redis
from celery import Celery
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from producer import Client
from tasks.redis import keys
from tasks.routing import list_keys
from tests.fixtures.environment import UseCatalog
from tests.fixtures.processes import Process
from tests.fixtures.waiting import WaitUntil
from tests.fixtures.workers import StartPair

CATALOG = '[models.quick]\nadapter = "rehearsal"\nvoices = ["vi"]\n'
TASKS = {
    "speech.paragraph": "quick", "speech.chapter": "flow", "speech.book": "flow", "infer.one": "quick",
    "infer.map": "flow",
}  # fmt: skip
FINAL = ("SUCCESS", "FAILURE", "REVOKED")
LIMIT_S = 20.0
fuzz = settings(
    max_examples=5, deadline=None, database=None, phases=[Phase.explicit, Phase.generate], print_blob=True
)  # fmt: skip

FIELDS = (
    "text", "text_ref", "model", "voice", "speed", "title", "max_chars", "pause_s", "sentence_pause_s",
    "parallel_paragraphs", "parallel_chapters", "chapters", "job", "part", "input", "inputs", "variant", "craft",
)  # fmt: skip

words = st.text(st.characters(codec="utf-8"), max_size=40)
scalars = (
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | words
)
anything: st.SearchStrategy[Any] = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4), max_leaves=12
)
good_fields = st.fixed_dictionaries({"text": words.map(lambda text: f"Good. {text}"), "model": st.just("quick")})


def is_no_part(kwargs: dict[str, Any]) -> bool:
    """A part of a job that has ended, or never was, is dropped without an answer, as it must be."""
    return not {"job", "part"} <= kwargs.keys()


spoilt = st.tuples(good_fields, st.sampled_from(FIELDS), anything).map(lambda drawn: {**drawn[0], drawn[1]: drawn[2]})
arguments = (
    st.dictionaries(words, anything, max_size=4)
    | st.dictionaries(st.sampled_from(FIELDS), anything, max_size=5)
    | spoilt
    | good_fields
).filter(is_no_part)
calls = st.tuples(st.sampled_from(sorted(TASKS)), st.just([]) | st.lists(anything, max_size=2), arguments)


def envelope(task: str = "speech.chapter", kwargs: Any = None, **changes: Any) -> dict[str, Any]:
    """The least that Celery takes, under an id of its own."""
    task_id = uuid.uuid4().hex
    return {
        "body": json.dumps([[], kwargs or {"text": "Good.", "model": "quick"}, {}]),
        "content-type": "application/json",
        "content-encoding": "utf-8",
        "headers": {"task": task, "id": task_id},
        "properties": {"delivery_tag": task_id, "delivery_info": {"exchange": "", "routing_key": "flow"}},
        **changes,
    }


def _without(drawn: tuple[str, str]) -> dict[str, Any]:
    made = envelope()
    place, name = drawn
    (made[place] if place else made).pop(name, None)
    return made


def _with(drawn: tuple[str, str, Any]) -> dict[str, Any]:
    made = envelope()
    place, name, value = drawn
    (made[place] if place else made)[name] = value
    return made


places = st.sampled_from(
    [("", name) for name in ("body", "content-type", "content-encoding", "headers", "properties")]
    + [("headers", name) for name in ("task", "id")]
    + [("properties", name) for name in ("delivery_tag", "delivery_info")]
)
HEADERS = ("lang", "eta", "expires", "retries", "timelimit", "root_id", "parent_id", "group", "origin", "argsrepr",
           "stamps", "stamped_headers", "replaced_task_nesting", "reply_to", "errbacks", "compression")  # fmt: skip
deep = st.integers(1, 20_000).map(lambda depth: "[" * depth + "]" * depth)
raw = (
    st.binary(max_size=200)
    | st.integers(0, 300).map(lambda length: json.dumps(envelope()).encode()[:length])
    | st.one_of(
        places.map(_without),
        st.tuples(places, anything).map(lambda drawn: _with((*drawn[0], drawn[1]))),
        st.tuples(st.just("headers"), st.sampled_from(HEADERS), anything).map(_with),
        words.map(lambda name: envelope(task=f"no.such.{name}")),
        anything.map(lambda body: envelope(body=json.dumps(body))),
        anything.map(lambda embed: envelope(body=json.dumps([[], {"text": "Good.", "model": "quick"}, embed]))),
        st.tuples(st.sampled_from(["callbacks", "errbacks", "chain", "chord"]), anything).map(
            lambda drawn: envelope(body=json.dumps([[], {"text": "Good.", "model": "quick"}, {drawn[0]: drawn[1]}]))
        ),
        deep.map(lambda nested: envelope(body=f'[[],{{"text":{nested}}},{{}}]')),
    ).map(lambda made: json.dumps(made).encode())
    | deep.map(str.encode)
)


@pytest.fixture
def workers(use_catalog: UseCatalog, start_pair: StartPair) -> list[Process]:
    use_catalog(CATALOG)
    return list(start_pair("quick"))


def assert_well(workers: Sequence[Process], client: redis.Redis, wait_until: WaitUntil) -> None:
    """A good chapter passes, nothing is left, and neither a worker nor a child has died."""
    assert Client().submit_chapter("All is well.", model="quick").wait(LIMIT_S).duration_s > 0
    lists = [*list_keys("flow"), *list_keys("quick"), keys.HELD, keys.LEASES]
    wait_until(lambda: not client.exists(*lists), what="empty queues and hands")
    for worker in workers:
        assert worker.returncode is None
        assert "exited with" not in worker.log()


def final(client: redis.Redis, task_id: Any) -> str | None:
    """The final state that is stored under this id, if any."""
    stored: Any = client.get(f"{keys.RESULT_PREFIX}{task_id}")
    status = json.loads(stored)["status"] if stored else None
    return status if status in FINAL else None


def test_every_call_of_a_task_is_answered_whatever_its_arguments(
    foreign: Celery, redis_client: Any, workers: list[Process], wait_until: WaitUntil
) -> None:
    @fuzz
    @given(st.lists(calls, min_size=20, max_size=30))
    def batch(drawn: list[tuple[str, list[Any], dict[str, Any]]]) -> None:
        sent = {
            foreign.send_task(task, args, kwargs, queue=TASKS[task]).id: (task, args, kwargs)
            for task, args, kwargs in drawn
        }

        def unanswered() -> list[Any]:
            return [call for task_id, call in sent.items() if final(redis_client, task_id) is None]

        wait_until(lambda: not unanswered(), LIMIT_S, "answers to all")
        assert_well(workers, redis_client, wait_until)

    batch()


@pytest.mark.filterwarnings("ignore:Generating overly large repr")  # of thirty long messages, now and then
def test_every_raw_message_is_answered_or_set_aside_and_none_is_dropped_in_silence(
    redis_client: Any, broker: str, workers: list[Process], wait_until: WaitUntil
) -> None:
    with redis.Redis.from_url(broker) as client:

        def unanswered(messages: list[bytes]) -> Counter[bytes]:
            entries: Any = client.lrange(keys.SET_ASIDE, 0, -1)
            aside = Counter(entry.partition(b"\n")[2] for entry in entries)
            return Counter(one for one in messages if not _id_is_final(one)) - aside

        def _id_is_final(message: bytes) -> bool:
            try:
                return final(redis_client, json.loads(message)["headers"]["id"]) is not None
            except (ValueError, TypeError, KeyError, RecursionError):
                return False

        @fuzz
        @given(st.lists(raw, min_size=30, max_size=40), st.sampled_from(["flow", "quick"]))
        def batch(messages: list[bytes], queue: str) -> None:
            client.delete(keys.SET_ASIDE)
            client.lpush(queue, *messages)
            try:
                wait_until(lambda: not unanswered(messages), LIMIT_S, "answers to all")
            except BaseException:
                print("NEITHER ANSWERED NOR SET ASIDE:", *unanswered(messages), sep="\n")
                raise
            assert_well(workers, redis_client, wait_until)

        batch()
