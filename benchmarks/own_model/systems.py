"""The systems that serve the network: how each is started, asked for one answer, and asked for many.

Each has one process with the network, on one thread, and batches of what waits, up to `BATCH`. Measures nothing.
"""

from __future__ import annotations

import ast
import contextlib
import os
import shutil
import sys
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.batching import free_port
from benchmarks.own_model import load
from benchmarks.own_model.load import LIMIT_S, Ask, Asker, Refused, all_at_once, over_http
from benchmarks.rig import ROOT, Rig, wait_for
from producer import Client
from tasks.errors import SlotlineError
from workers.slots.holders import holders

BATCH = 16
MODEL = "filetype"
EXAMPLE = ROOT / "examples" / "own-model"
HERE = Path(__file__).parent
IN_FLIGHT = 64
"""Of many texts, how many a client of a server asks for at once."""
START_LIMIT_S = 60.0


@dataclass(frozen=True)
class Serving:
    """A system that is ready."""

    pids: tuple[int, ...]
    """Its first processes; all others are below them."""
    asker: Asker
    many: Callable[[Sequence[str]], list[Any]]
    """The answers to many texts, in order."""


@contextlib.contextmanager
def slotline(bench: Rig) -> Iterator[Serving]:
    """One slot with the example's adapter, and a flow worker for what is asked for together."""
    shutil.copy(EXAMPLE / "models.toml", bench.folder)
    path = os.pathsep.join([str(EXAMPLE), str(_as_installed(bench)), os.environ.get("PYTHONPATH", "")])
    # A session of ONNX Runtime has its slot's share of the cores: one thread.
    changes = {"PYTHONPATH": path, "SLOTLINE_CPU_SLOTS": str(len(os.sched_getaffinity(0)))}
    worker = ("celery", "-A", "workers", "worker")
    noted = ("--include", "benchmarks.own_model.journal")
    with ExitStack() as stack:
        slot = stack.enter_context(bench.process(*worker, "--model", MODEL, *noted, changes=changes))
        flow = stack.enter_context(bench.process(*worker, "-Q", "flow", "-c", "1", changes=changes))
        wait_for(lambda: sum(one.ready for one in holders(bench.client)) == 2, "the workers", START_LIMIT_S, 0.05)
        client = Client(bench.redis_url, bench.environment["SLOTLINE_STORE_URL"])

        @contextlib.contextmanager
        def asker() -> Iterator[Ask]:
            def ask(text: str) -> Any:
                try:
                    return client.infer(MODEL, {"text": text}).output(LIMIT_S)
                except (SlotlineError, TimeoutError) as exc:
                    raise Refused(f"{type(exc).__name__}: {exc}") from exc

            yield ask

        def many(texts: Sequence[str]) -> list[Any]:
            job = client.map(MODEL, [{"text": text} for text in texts])
            return [client.output_of(one) for one in job.wait(LIMIT_S)]

        yield Serving((slot.pid, flow.pid), asker, many)


def _as_installed(bench: Rig) -> Path:
    """A folder for Python's path, on which the example's entry points are found as if its package was installed."""
    points = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]["entry-points"]
    folder = bench.folder / "installed" / "example-1.0.dist-info"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: example\nVersion: 1.0\n")
    lines = [f"[{group}]\n{name} = {value}\n" for group, named in points.items() for name, value in named.items()]
    (folder / "entry_points.txt").write_text("".join(lines))
    return folder.parent


@contextlib.contextmanager
def _server(bench: Rig, module: str, path: str, *options: str, python: str = sys.executable) -> Iterator[Serving]:
    port = free_port()
    command = (f"benchmarks.own_model.{module}", str(port), str(BATCH), *options)
    with bench.process(*command, leaves_others=True, may_end=True, python=python) as server:
        asker = partial(over_http, port, path)

        def is_ready() -> bool:
            with asker() as ask:
                return not load.asked(ask, load.fresh_texts(1)[0]).error

        wait_for(is_ready, module, START_LIMIT_S, 0.1)
        yield Serving((server.pid,), asker, partial(all_at_once, asker, IN_FLIGHT))


def litserve(bench: Rig, *options: str) -> AbstractContextManager[Serving]:
    """LitServe, which starts a worker again that has died; with `--no-restart` as it is by default."""
    return _server(bench, "on_litserve", "/predict", *options)


def ray_serve(python: str, bench: Rig) -> AbstractContextManager[Serving]:
    """Ray Serve, by the interpreter of an environment that has it."""
    return _server(bench, "on_ray", "/", str(bench.folder / "ray"), python=python)


def lines_of(path: Path) -> int:
    """The lines of a file that are written for a machine: neither blank, nor comments, nor docstrings."""
    text = path.read_text()
    lines = {number for number, line in enumerate(text.splitlines(), 1) if line.strip() and line.strip()[0] != "#"}
    if path.suffix == ".py":
        for node in ast.walk(ast.parse(text)):
            if (
                isinstance(node, ast.Expr)
                and isinstance(node.value, ast.Constant)
                and isinstance(node.value.value, str)
            ):
                lines -= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return len(lines)
