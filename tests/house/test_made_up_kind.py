"""A kind of work that another package brings runs through everything, with no change in slotline.

Its files are those of `tests/house/made_up_kind`: messages, a kind with its tasks, a craft, an
adapter, and the entry points that an installation would write down.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from producer import Client, Progress
from tasks import plugins
from tasks.errors import InvalidInput, PartsFailed
from tasks.messages import lookup
from tasks.offers import Offers, Published
from tests.fixtures.environment import UseCatalog
from tests.fixtures.processes import ROOT
from tests.fixtures.workers import StartWorker
from tests.house.made_up_kind.messages import AlbumRequest, AlbumResult, ShapeRequest, ShapeResult

INSTALLED = Path(__file__).parent / "made_up_kind" / "installed"

CATALOG = """
[models.pen]
adapter = "pen"
batch_size = 4

[models.quick]
adapter = "rehearsal"
"""


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mapping[str, str]]:
    """The package is installed, here and in the environment that this gives for other processes."""
    caches: tuple[Any, ...] = (plugins.module_names, plugins.modules, lookup.crafts, lookup._results)
    monkeypatch.syspath_prepend(str(INSTALLED))
    for cached in caches:
        cached.cache_clear()
    yield {"PYTHONPATH": os.pathsep.join([str(INSTALLED), str(ROOT)])}
    for cached in caches:
        cached.cache_clear()


@pytest.fixture
def pen(installed: Mapping[str, str], use_catalog: UseCatalog, start_worker: StartWorker, client: Client) -> Client:
    """A flow worker and a slot that draws, and a client."""
    use_catalog(CATALOG)
    start_worker("-Q", "flow", "-c", "1", env=installed, name="flow").wait_for_log("ready")
    start_worker("--model", "pen", env=installed, name="slot").wait_for_log("ready: pen")
    return client


def test_a_made_up_job_goes_through_flow_ledger_batches_results_and_client(pen: Client, tmp_path: Path) -> None:
    seen: list[Progress] = []
    shapes = [3, 4, 5, 4]
    job = pen.submit(AlbumRequest(model="pen", title="Shapes", shapes=shapes, size=2))
    made = job.wait(30, on_progress=seen.append)
    assert isinstance(made, AlbumResult)
    assert [one and one.strokes for one in made.shapes] == [6, 8, 10, 8]
    assert made.words() == "4 drawings"
    last = job.progress()
    assert (last.state, last.total, last.done, last.computed) == ("SUCCESS", 4, 4, 3)
    assert last.measure is not None
    assert (last.measure.name, last.measure.amount, last.measure.unit) == ("strokes", 32, "strokes of the pen")
    assert seen[-1].measure == last.measure
    written = job.save(tmp_path / "album")
    assert [path.name for path in written] == ["01 - 6.drawing", "02 - 8.drawing", "03 - 10.drawing", "04 - 8.drawing"]
    assert [path.read_text() for path in written] == ["/" * corners * 2 for corners in shapes]
    again = pen.submit(AlbumRequest(model="pen", shapes=shapes, size=2))
    again.wait(30)
    assert again.progress().computed == 0
    wrong = pen.submit(AlbumRequest(model="pen", shapes=[3, 2]))
    with pytest.raises(PartsFailed, match=r"^1 of 2 drawings failed: 2 \(«2»\): corners: a shape has three or more"):
        wrong.wait(30)


def test_one_input_alone_and_many_at_once_give_their_results(pen: Client, tmp_path: Path) -> None:
    alone = pen.submit(ShapeRequest(model="pen", corners=7))
    made = alone.wait(30)
    assert isinstance(made, ShapeResult)
    assert (made.strokes, made.computed) == (21, True)
    assert alone.save(tmp_path / "seven.drawing")[0].read_text() == "/" * 21
    job = pen.map("pen", [{"corners": 7}, {"corners": 8}], size=3)
    seven, eight = job.wait(30)
    assert isinstance(seven, ShapeResult)
    assert isinstance(eight, ShapeResult)
    assert (seven.artifact, seven.computed) == (made.artifact, False)
    assert (eight.strokes, eight.computed) == (24, True)


@pytest.mark.usefixtures("installed", "broker")
def test_a_model_of_another_craft_is_refused_before_anything_is_sent(use_catalog: UseCatalog, client: Client) -> None:
    use_catalog(CATALOG)
    with pytest.raises(InvalidInput, match=r"^model: 'quick' does not draw \(its adapter is rehearsal\)$"):
        client.submit(ShapeRequest(model="quick", corners=3))
    Offers(client.connection.redis).publish(Published("pen", "pen", "1", 0, craft="drawing"))
    with pytest.raises(InvalidInput, match=r"^model: 'pen' does not speak \(its adapter is pen\)$"):
        client.submit_paragraph("Hello.", model="pen")
