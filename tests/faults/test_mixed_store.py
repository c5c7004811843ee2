"""A store of an earlier version, with damaged and missing artifacts: what is whole is used, the rest heals."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from producer import Client
from tasks.messages import ChapterResult
from tasks.store.artifacts import Artifact, Store
from tests.fixtures.environment import UseCatalog
from tests.fixtures.waiting import GIVE_UP_S
from tests.fixtures.workers import StartPair

TEXT = "One two three.\n\nFour five six.\n\nSeven eight nine.\n\nTen."


def as_before(store: Store, artifact: Artifact) -> None:
    """Replace its one file by the two that versions before the single file wrote."""
    data = store.read_bytes(artifact.name)
    store.delete(artifact.name)
    path = Path(store.place, artifact.name)
    fields = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest(), "details": dict(artifact.details)}
    path.with_name(f"{path.stem}.{artifact.sha256[:16]}.wav").write_bytes(data)
    path.with_name(f"{path.name}.json").write_text(json.dumps(fields))


def damage(store: Store, artifact: Artifact) -> None:
    """Change its sound, and leave its size and what is kept beside it."""
    path = Path(store.place, artifact.name)
    path.write_bytes(path.read_bytes().replace(b"\0" * 100, b"\1" * 100, 1))


def test_of_a_chapter_only_what_is_damaged_or_gone_is_computed_again(
    client: Client, use_catalog: UseCatalog, start_pair: StartPair
) -> None:
    use_catalog('[models.quick]\nadapter = "rehearsal"\n')
    start_pair("quick")
    first_job = client.submit_chapter(TEXT, model="quick")
    first = first_job.wait(GIVE_UP_S)
    assert isinstance(first, ChapterResult)
    assert first.audio is not None
    store = client.store
    whole = store.read_bytes(first.audio.artifact)
    names = {part: one["audio"]["artifact"] for part, one in client.ledger.queries.outcomes(first_job.id).items()}
    found = {part: artifact for part, name in names.items() if (artifact := store.find(name))}
    store.delete(first.audio.artifact)
    as_before(store, found[1])
    damage(store, found[2])
    store.delete(names[3])

    again = client.submit_chapter(TEXT, model="quick").wait(GIVE_UP_S)
    assert isinstance(again, ChapterResult)
    assert (again.computed, again.parts) == (2, 4), "the damaged one was found, and computed when it was to be joined"
    assert again.audio == first.audio
    assert store.read_bytes(first.audio.artifact) == whole
