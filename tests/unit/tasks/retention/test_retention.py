"""Steps over a real store: bounded, resumable, by two at once, with broken folders, in a race with a use."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tasks.errors import StoreError
from tasks.flow.ledger import Ledger
from tasks.retention.retention import DRAFT_KEPT_S, GB, Retention, limits_of
from tasks.retention.round import Limits, Round
from tasks.settings import read
from tasks.store import contents
from tasks.store.artifacts import Store, name_of
from tests.unit.tasks.flow.ledger.opened_jobs import opened
from tests.unit.tasks.retention.conftest import NOW_S, Put

DAY = Limits(86400.0, None)


def retention(store: Store, ledger: Ledger, limits: Limits = DAY, dry_run: bool = False) -> Retention:
    return Retention(store, ledger, limits, dry_run, clock=lambda: NOW_S)


def test_what_is_old_goes_with_all_its_files_and_what_is_fresh_stays(
    store: Store, ledger: Ledger, put: Put, tmp_path: Path
) -> None:
    old, fresh = put("old", hours=25), put("fresh", hours=1)
    done, fault = retention(store, ledger).whole(NOW_S)
    assert (done.removed, done.left, fault) == (1, 1, "")
    assert store.find(old) is None
    assert store.find(fresh) is not None
    assert [path.name for path in (tmp_path / "store").rglob("*.wav*")] == [Path(fresh).name]


def test_a_store_that_is_too_large_keeps_the_latest_used(store: Store, ledger: Ledger, put: Put) -> None:
    names = {hours: put(f"{hours}", hours=hours, size=1000) for hours in (9, 2, 7, 4)}
    done, _ = retention(store, ledger, Limits(None, 2500)).whole(NOW_S)
    assert [hours for hours, name in names.items() if store.find(name)] == [2, 4]
    assert done.removed == 2
    assert done.left_bytes <= 2500


def test_a_dry_run_counts_the_same_and_removes_nothing(store: Store, ledger: Ledger, put: Put) -> None:
    names = [put(f"{hours}", hours=hours) for hours in (30, 9, 2)]
    limits = Limits(86400.0, 1500)
    counted, _ = retention(store, ledger, limits, dry_run=True).whole(NOW_S)
    assert (counted.removed, counted.left) == (2, 1)
    assert all(store.find(name) for name in names)


def test_what_an_open_job_needs_stays_until_the_job_ends(store: Store, ledger: Ledger, put: Put) -> None:
    name = put("made by part 1", hours=99)
    job = opened(ledger, 2)
    ledger.transitions.settle(job, 1, "done", {"audio": {"artifact": name}})
    for limits in (DAY, Limits(None, 1)):
        done, _ = retention(store, ledger, limits).whole(NOW_S)
        assert (done.removed, done.left) == (0, 1)
    ledger.transitions.settle(job, 2, "failed", {"error": {}})
    ledger.transitions.end(job, "chapter", "FAILURE", None, None)
    assert retention(store, ledger).whole(NOW_S)[0].removed == 1


def test_a_step_is_bounded_and_another_process_goes_on_after_it(store: Store, ledger: Ledger, put: Put) -> None:
    names = [put(f"{number}", hours=99) for number in range(12)]
    under_way, steps = Round(NOW_S), 0
    while True:
        steps += 1
        step = retention(store, ledger).step(under_way, entries=2, seconds=60.0)
        under_way = Round.from_json(under_way.to_json())
        if step.is_last:
            break
        assert step.removed <= 4
    assert steps > 3
    assert not any(store.find(name) for name in names)
    assert under_way.removed == 12


def test_two_that_do_it_at_once_do_no_harm(store: Store, ledger: Ledger, put: Put, monkeypatch: Any) -> None:
    put("a", hours=99)
    put("b", hours=99)
    other = retention(store, ledger)
    remove = contents.remove

    def remove_after_the_other(store: Store, stored: contents.Stored) -> bool:
        monkeypatch.setattr(contents, "remove", remove)
        other.whole(NOW_S)
        return remove(store, stored)

    monkeypatch.setattr(contents, "remove", remove_after_the_other)
    assert retention(store, ledger).whole(NOW_S)[1] == ""
    assert retention(store, ledger).whole(NOW_S)[0].left == 0


@pytest.mark.parametrize("use", ["find", "put again", "read"])
def test_what_is_used_at_the_moment_of_its_removal_stays_whole(
    store: Store, ledger: Ledger, put: Put, monkeypatch: pytest.MonkeyPatch, use: str
) -> None:
    name = put("old", hours=99)
    uses: dict[str, Callable[[], object]] = {
        "find": lambda: store.find(name),
        "read": lambda: store.read_bytes(name),
        "put again": lambda: store.put_bytes(name, b"o" * 1000),
    }
    remove = contents.remove

    def use_first(store: Store, stored: contents.Stored) -> bool:
        uses[use]()
        return remove(store, stored)

    monkeypatch.setattr(contents, "remove", use_first)
    done, _ = retention(store, ledger).whole(NOW_S - 1)
    assert done.removed == 0
    assert store.read_bytes(name) == b"o" * 1000


def test_a_folder_that_cannot_be_listed_is_passed_over_with_its_reason(
    store: Store, ledger: Ledger, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [put(f"{number}", hours=99) for number in range(6)]
    broken = sorted(names)[0].rpartition("/")[0]
    listed = contents.listed

    def list_folder(store: Store, folder: str) -> contents.Folder:
        if folder == broken:
            raise StoreError(f"{folder} cannot be listed: Input/output error")
        return listed(store, folder)

    monkeypatch.setattr(contents, "listed", list_folder)
    done, fault = retention(store, ledger).whole(NOW_S)
    assert done.removed == len([name for name in names if not name.startswith(broken)])
    assert fault == f"{broken} cannot be listed: Input/output error"


def test_what_cannot_be_removed_is_counted_as_there(
    store: Store, ledger: Ledger, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    put("old", hours=99)

    def refuse(store: Store, stored: contents.Stored) -> bool:
        raise StoreError("Permission denied")

    monkeypatch.setattr(contents, "remove", refuse)
    done, fault = retention(store, ledger).whole(NOW_S)
    assert (done.removed, done.left, fault) == (0, 1, "Permission denied")


def test_old_drafts_go_and_no_other_file_is_touched(store: Store, ledger: Ledger, put: Put, tmp_path: Path) -> None:
    folder = (tmp_path / "store" / put("a")).parent
    others = [tmp_path / "store" / "notes.txt", folder / "notes.txt", tmp_path / "store" / "speech" / "notes.wav"]
    drafts = [folder / ".a.wav.12.part", folder.parent / ".drafts" / ".b.wav.12.part"]
    young = folder / ".c.wav.12.part"
    for path in (*others, *drafts, young):
        path.touch()
        os.utime(path, (NOW_S - DRAFT_KEPT_S * (2 if path != young else 0.5),) * 2)
    retention(store, ledger).whole(NOW_S)
    assert all(path.exists() for path in (*others, young))
    assert not any(path.exists() for path in drafts)


def test_on_an_object_store_too(ledger: Ledger) -> None:
    store = Store(f"memory://{secrets.token_hex(8)}/deep")
    names = [name_of("speech", "wav", {"number": number}) for number in range(5)]
    for name in names:
        store.put_bytes(name, b"x" * 100)
    later = Retention(store, ledger, DAY, clock=lambda: time.time() + 2 * 86400)
    assert Retention(store, ledger, DAY).whole(time.time())[0].removed == 0
    assert later.whole(time.time())[0].removed == 5
    assert not any(store.find(name) for name in names)


def test_a_use_counts_for_the_order_in_which_things_go(store: Store, ledger: Ledger, put: Put) -> None:
    read_again, forgotten = put("read again", hours=9), put("forgotten", hours=8)
    store.read_bytes(read_again)
    retention(store, ledger, Limits(None, 2000)).whole(NOW_S)
    assert store.find(read_again) is not None
    assert store.find(forgotten) is None


def test_the_limits_are_those_of_the_settings() -> None:
    assert limits_of(read({})) == Limits(30 * 86400.0, None)
    assert limits_of(read({"SLOTLINE_STORE_TTL_S": "0", "SLOTLINE_STORE_MAX_GB": "1.5"})) == Limits(None, int(1.5 * GB))
