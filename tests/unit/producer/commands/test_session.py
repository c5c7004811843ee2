"""What `read` and `summarize` stand on: the broker of the settings, or a local stack. Whole stacks: test_read.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from producer.commands.session import Session
from tasks import pauses
from tasks.catalog import catalog
from tasks.errors import BrokerUnavailable, CatalogError, OtherStore, UnknownModel
from tasks.exit_codes import INTERRUPTED
from tasks.settings import settings
from tasks.shared_store.users import StoreUse
from tests.fixtures.waiting import WaitUntil
from tests.fixtures.workers import StartWorker


def test_without_a_broker_it_is_refused_before_anything_starts(
    own_environment: None, catalog_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CELERY_BROKER_URL", "redis://127.0.0.1:1/0")
    settings.cache_clear()
    with pytest.raises(BrokerUnavailable):
        Session("quick", None).check()
    Session("quick", 1).check()  # a local stack brings its own


def test_a_local_stack_needs_the_model_in_the_catalog(own_environment: None, catalog_file: Path) -> None:
    with pytest.raises(UnknownModel, match="did you mean 'quick'"):
        Session("qick", 1).check()
    with pytest.raises(UnknownModel, match="did you mean 'quick'"):
        Session("quick", 1, ("qick",)).check()


def test_a_catalog_that_was_named_and_is_not_there_is_said(
    broker: str, catalog_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog_file.unlink()
    catalog.cache_clear()
    with pytest.raises(CatalogError, match="SLOTLINE_MODELS"):
        Session("quick", None).check()
    monkeypatch.delenv("SLOTLINE_MODELS")
    Session("quick", None).check()


def test_work_without_a_ready_worker_is_said_to_wait(
    broker: str, catalog_file: Path, start_worker: StartWorker, wait_until: WaitUntil
) -> None:
    lines: list[str] = []
    session = Session("quick", None)
    with session:
        client = session.start(lines.append)
        session.note_missing_worker(client, lines.append, needs_flow=False)
        [line] = lines
        assert line.startswith("no worker of quick is ready yet; this waits for one (celery -A workers worker ")
        start_worker("--model", "quick").wait_for_log("ready: quick")
        wait_until(lambda: client.has_worker("quick"), 5, "what a thread of the worker writes when it is ready")
        session.note_missing_worker(client, lines.append, needs_flow=False)
        assert lines == [line]
        session.note_missing_worker(client, lines.append)
        session.check_again()
    assert [line.partition(" is ready")[0] for line in lines] == ["no worker of quick", "no flow worker"]


def test_a_pause_of_the_model_and_its_end_are_a_line_each(broker: str, catalog_file: Path, raw_redis: Any) -> None:
    lines: list[str] = []
    session = Session("quick", None)
    pauses.pause(raw_redis, "quick", "me")
    client = session.start(lines.append)
    session.note_missing_worker(client, lines.append)
    session.check_again()
    pauses.resume(raw_redis, "quick")
    session.check_again()
    session.check_again()
    paused, *_, resumed = lines
    assert paused.startswith("quick is paused since")
    assert paused.endswith("; this waits until: slotline resume quick")
    assert resumed == "quick is resumed"


def test_after_ctrl_c_it_says_how_to_come_back(
    own_environment: None, catalog_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert Session("quick", None).interrupted(["a", "b"]) == INTERRUPTED
    detached = "detached, the job goes on; follow it: the same command, or slotline watch a; slotline watch b"
    assert capsys.readouterr().err == f"slotline: {detached}\n"
    assert Session("quick", None).interrupted([]) == INTERRUPTED
    assert capsys.readouterr().err == ""
    assert Session("quick", 1).interrupted(["a"]) == INTERRUPTED
    assert capsys.readouterr().err == "slotline: stopped; the same command goes on where it was\n"


def test_a_session_ends_when_workers_with_another_store_start(
    broker: str, catalog_file: Path, raw_redis: Any, other_store: StoreUse
) -> None:
    session = Session("quick", None)
    session.check()
    session.start(lambda line: None)
    session.check_again()
    other_store.join(raw_redis, 30)
    for check in (session.check_again, Session("quick", None).check):
        with pytest.raises(OtherStore, match="another one: /their/store"):
            check()


def test_of_several_models_each_that_lacks_a_worker_is_named_and_the_flow_worker_once(
    broker: str, catalog_file: Path, raw_redis: Any
) -> None:
    lines: list[str] = []
    session = Session("quick", None, ("slow", "quick"))
    pauses.pause(raw_redis, "slow", "me")
    session.note_missing_worker(session.start(lines.append), lines.append)
    found = [line.partition(" is ")[0] for line in lines]
    assert found == ["slow", "no flow worker", "no worker of quick", "no worker of slow"]
