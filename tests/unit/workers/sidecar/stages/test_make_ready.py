"""A batch's first stage: what is to be computed, and the outcomes of all that needs no run."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks.errors import ArtifactMissing, InvalidInput, ModelChanged, ModelError, ModelLoadError
from tasks.flow.ledger import Ledger
from tasks.flow.outcomes import Done, Dropped, Failed
from tasks.media import audio
from tasks.messages import ParagraphRequest
from tasks.redis import keys
from tasks.store import artifacts
from tests.unit.workers.child.rehearsals import OneRehearsal, call, entry
from tests.unit.workers.sidecar.in_one_process import known, run
from workers.adapters.rehearsal import Rehearsal
from workers.adapters.weights import mark_of
from workers.sidecar.shared.known_models import KnownModels
from workers.sidecar.stages.make_ready import make_ready, take, without_made
from workers.sidecar.stages.work import BatchRequest, ReadyBatch
from workers.wire.call import Call
from workers.wire.work_line import ModelOffers


def requests(ledger: Ledger, calls: Sequence[Call]) -> Sequence[BatchRequest]:
    """What the calls ask for, of the slot's one model."""
    return take(ledger, entry(), calls, has_company=len(calls) > 1).by_variant[None]


def ready(ledger: Ledger, models: OneRehearsal, calls: Sequence[Call]) -> ReadyBatch:
    return make_ready(ledger, known(models), requests(ledger, calls), has_company=len(calls) > 1)


def test_requests_are_sorted_by_the_model_that_they_want(ledger: Ledger) -> None:
    many = entry(path="/voices/{id}")
    taken = take(ledger, many, [call("one", voice="anna"), call("two"), call("three", voice="anna")], has_company=True)
    indexes = {variant: [one.index for one in found] for variant, found in taken.by_variant.items()}
    assert indexes == {"anna": [0, 2], "vi": [1]}
    assert taken.outcomes == {}


def test_a_call_of_a_task_that_no_model_computes_has_no_outcome_and_one_that_has_ended_is_dropped(
    ledger: Ledger,
) -> None:
    other = Call("flow.sweep", "id", {}, "[[], {}, {}]", "application/json", "utf-8")
    taken = take(ledger, entry(), [other, call("", job="gone", part=1), call("good")], has_company=True)
    assert taken.outcomes == {1: Dropped()}
    assert [one.index for one in taken.by_variant[None]] == [2]


def test_what_cannot_be_read_is_logged_unless_its_own_words_say_enough(
    ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    broken = call("", "id", job="broken", part=1)
    redis: Any = ledger.claims._redis
    redis.set(keys.job("broken"), "no hash")
    with caplog.at_level(logging.ERROR):
        taken = take(ledger, entry(), [broken, call("text", model="another")], has_company=True)
    assert [type(outcome) for outcome in taken.outcomes.values()] == [Failed, Failed]
    assert [record.message for record in caplog.records] == [f"speech.paragraph[{broken.task_id}] cannot be read"]


def test_each_artifact_is_claimed_once_for_all_that_want_it(ledger: Ledger, models: OneRehearsal) -> None:
    found = ready(ledger, models, [call("same"), call("other"), call("same")])
    assert [[one.index for one in work.requests] for work in found.work] == [[0, 2], [1]]
    assert [work.attempt for work in found.work] == [1, 1]
    assert not found.outcomes


def test_what_is_there_already_is_done_and_is_not_claimed(ledger: Ledger, models: OneRehearsal) -> None:
    run(models, ledger, [call("made")])
    found = ready(ledger, models, [call("made"), call("new")])
    assert [work.first.index for work in found.work] == [1]
    outcome = found.outcomes[0]
    assert isinstance(outcome, Done)
    assert (outcome.computed, outcome.attempt) == (False, 0)


def stretch(block: str) -> Call:
    kwargs = {"model": "model", "face": "anna", "sounds": [block], "samples": 16_000, "frames": 25}
    body = json.dumps([[], kwargs, {}])
    headers = {"id": block, "delivery_info": {"routing_key": "model"}, "properties": {"delivery_tag": block}}
    return Call("lipsync.stretch", block, headers, body, "application/json", "utf-8")


def test_an_input_is_prepared_of_the_artifacts_that_it_names_and_one_that_is_missing_is_its_own_fault(
    ledger: Ledger,
) -> None:
    shows = entry(options={"gives": "film"})
    models = KnownModels(shows, "cpu", lambda variant: 1)
    models.told(ModelOffers(Rehearsal(shows, "cpu").load()))
    model = models.find(None)
    assert model is not None
    silence = audio.encode_wav(np.zeros(16_000, np.float32), 16_000)
    names = [f"sound16k/{digit * 2}/{digit * 64}.wav" for digit in "ab"]
    artifacts.store().put_bytes(names[0], silence, {})
    taken = take(ledger, shows, [stretch(name) for name in names], has_company=True).by_variant[None]
    found = make_ready(ledger, model, taken, has_company=True)
    assert [one.item.loudness for one in found.work] == [(0,) * 25]
    missing = found.outcomes[1]
    assert isinstance(missing, Failed)
    assert (type(missing.error), missing.attempt) == (ArtifactMissing, 0)


def test_what_cannot_be_made_ready_because_the_models_files_were_replaced_is_made_ready_again_later(
    ledger: Ledger, models: OneRehearsal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def prepare(self: Rehearsal, item: ParagraphRequest) -> Any:
        if item.text == "refused":
            raise InvalidInput("text: refused")
        raise ModelError("frame 3 has another size")

    monkeypatch.setattr(Rehearsal, "prepare", prepare)
    table = models.entry.model_copy(update={"path": str(tmp_path)})
    model = replace(known(models), entry=table, mark=mark_of(tmp_path))
    given = requests(ledger, [call("fails"), call("refused")])
    kept = make_ready(ledger, model, given, has_company=True).outcomes
    (tmp_path / "another file").touch()
    replaced = make_ready(ledger, model, given, has_company=True).outcomes
    errors = [one.error for one in (*kept.values(), *replaced.values()) if isinstance(one, Failed)]
    assert [type(one) for one in errors] == [ModelError, InvalidInput, ModelChanged, InvalidInput]
    assert str(errors[2]) == "model: the model's files were replaced: frame 3 has another size"


def test_what_was_begun_before_is_not_claimed_in_company(ledger: Ledger, models: OneRehearsal) -> None:
    redis: Any = ledger.claims._redis
    redis.hset(keys.attempts("suspect"), "0", 1)
    suspect = call("poison", "suspect")
    found = ready(ledger, models, [call("good"), suspect])
    assert found.alone == {1}
    assert [work.first.index for work in found.work] == [0]
    assert [work.attempt for work in ready(ledger, models, [suspect]).work] == [2]


@pytest.mark.parametrize(
    ("error", "failed"),
    [(ModelLoadError("weights: gone"), ("load of None",)), (InvalidInput("voice: missing"), ())],
)
def test_without_the_model_all_its_requests_fail_and_a_fault_of_the_model_counts_once(
    ledger: Ledger, error: Exception, failed: tuple[str, ...]
) -> None:
    found = make_ready(ledger, error, requests(ledger, [call("one"), call("two")]), has_company=True)
    assert (found.model, found.work, found.failed) == (None, (), failed)
    assert found.outcomes == {0: Failed(error, 0), 1: Failed(error, 0)}  # type: ignore[arg-type]


def test_what_may_have_killed_before_it_was_claimed_is_not_read_with_others_and_fails_the_third_time(
    ledger: Ledger,
) -> None:
    deadly, other = call("deadly"), call("other")
    run_of = (deadly.task_id, 0)
    for deaths in (1, 2):
        ledger.claims.note_loss(f"tag-{deaths}", run_of, "signal 9 (SIGKILL)", is_early=True)
        both = take(ledger, entry(), [deadly, other], has_company=True)
        alone = take(ledger, entry(), [deadly], has_company=False)
        assert (both.alone, [one.index for one in both.by_variant[None]]) == (frozenset({0}), [1])
        assert (alone.alone, [one.index for one in alone.by_variant[None]]) == (frozenset(), [0])
    ledger.claims.note_loss("tag-3", run_of, "signal 9 (SIGKILL)", is_early=True)
    spent = take(ledger, entry(), [deadly, other], has_company=True)
    (outcome,) = spent.outcomes.values()
    assert isinstance(outcome, Failed)
    assert str(outcome.error) == (
        "its worker died in all 3 attempts before it began; the last time: signal 9 (SIGKILL)"
    )
    assert spent.alone == frozenset()


def test_what_this_slot_stored_after_it_was_looked_for_is_not_computed_again(
    ledger: Ledger, models: OneRehearsal
) -> None:
    first, second = calls = [call("made"), call("new")]
    found = ready(ledger, models, calls)
    artifact = artifacts.store().put_bytes(found.work[0].artifact, b"sound", {})
    left = without_made(ledger, found, {artifact.name: artifact})
    assert [work.first.index for work in left.work] == [1]
    assert left.outcomes == {0: Done(artifact, computed=False)}
    redis: Any = ledger.claims._redis
    counted = [redis.hget(keys.attempts(one.task_id), "0") for one in (first, second)]
    assert (counted, redis.exists(keys.computed_by(artifact.name))) == ([b"0", b"1"], 0)


def test_the_model_gets_what_its_adapter_has_prepared_and_what_cannot_be_sent_costs_its_input_alone(
    ledger: Ledger, models: OneRehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def prepare(self: Rehearsal, item: ParagraphRequest) -> Any:
        if item.text == "refused":
            raise InvalidInput("text: refused")
        return (lambda: None) if item.text == "no pickle" else [item.text]

    run(models, ledger, [call("made")])
    monkeypatch.setattr(Rehearsal, "prepare", prepare)
    texts = ["good", "refused", "no pickle", "made", "good", "next"]
    found = ready(ledger, models, [call(text) for text in texts])
    assert [(work.item, work.calls) for work in found.work] == [(["good"], (0, 4)), (["next"], (5,))]
    assert isinstance(found.outcomes[3], Done)
    words = [str(one.error) for one in (found.outcomes[1], found.outcomes[2]) if isinstance(one, Failed)]
    assert words[0] == "text: refused"
    assert "pickle" in words[1]
