"""What slotline counts on in Celery, kombu, billiard and redis-py is there, and nothing else of theirs is used.

An upgrade that takes something away fails here first, by name: see `workers/upstream/table.py`.
"""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from workers.upstream.table import PARTS, Part

ROOT = Path(__file__).resolve().parents[2]
LIBRARIES = {"celery", "kombu", "billiard", "redis", "vine", "amqp"}
DOCUMENTED = {
    "celery": None,
    "celery.exceptions": None,
    "kombu.exceptions": None,
    "redis": None,
    "redis.backoff": None,
    "redis.exceptions": None,
    "redis.retry": None,
    "celery.app.task": {"Context"},
}
"""What their documentation promises, so that any file may import it: all of a module (None), or these names."""

CELERYS = {"consumer", "sender", "instance", "hub", "loop", "timer", "task_consumer", "event_dispatcher"}
"""Variables and attributes that hold Celery's own objects."""

OURS = {"setup"}
"""What slotline puts on them itself."""

OWN_PRIVATE = {"os._exit", "ctypes._Pointer"}
"""Names of the standard library that begin with an underscore and are meant for use."""

OTHERS_PRIVATE = {
    ("workers/adapters/espeak/library.py", "library._callback"),
    ("workers/adapters/kokoro/text/english.py", "util.registry._entry_point_factories"),
    ("workers/adapters/kokoro/text/japanese.py", "super()._romaji_word"),
    ("workers/adapters/viettts/engine.py", "frontend._extract_text_token"),
}
"""An adapter's own business with the library that it wraps: not Celery's."""


def ids(part: Part) -> str:
    """A row's name in a test's id."""
    return part.of


@functools.cache
def product() -> dict[str, ast.Module]:
    """Every product file by its path from the root."""
    paths = [path for package in ("tasks", "workers", "producer") for path in sorted((ROOT / package).rglob("*.py"))]
    return {str(path.relative_to(ROOT)): ast.parse(path.read_text(encoding="utf-8")) for path in paths}


def found(of: str) -> Any:
    """The module, or the class of it, that a row is about."""
    module, _, name = of.partition(":")
    return getattr(importlib.import_module(module), name) if name else importlib.import_module(module)


def parameters(function: Any) -> str:
    """A function's parameters as a row writes them."""
    marks: dict[Any, str] = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    named = inspect.signature(function).parameters.values()
    return ", ".join(
        f"{marks.get(one.kind, '')}{one.name}{'' if one.default is inspect.Parameter.empty else '=…'}" for one in named
    )


@functools.cache
def set_in(module: str) -> set[str]:
    """Attributes that a module sets on some object: `self.name = …`, `P.name = …`."""
    tree = ast.parse(inspect.getsource(importlib.import_module(module)))
    return {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)}


def has(owner: Any, name: str) -> bool:
    """Whether a module or class has the name, or its objects get it as an attribute."""
    modules = {base.__module__ for base in owner.__mro__[:-1]} if isinstance(owner, type) else set()
    return hasattr(owner, name) or any(name in set_in(module) for module in modules)


@pytest.mark.parametrize("part", PARTS, ids=ids)
def test_it_is_there_with_the_parameters_and_attributes_that_slotline_counts_on(part: Part) -> None:
    assert not faults(part)


def test_what_an_upgrade_took_away_is_named() -> None:
    calls = {"discard": "self, because", "moved": "self"}
    changed = Part("billiard.pool:ApplyResult", (), calls, ("_accepted", "renamed"))
    assert faults(changed) == [
        "billiard.pool:ApplyResult has no renamed",
        "billiard.pool:ApplyResult.discard takes (self), not (self, because)",
        "billiard.pool:ApplyResult has no moved",
    ]


def faults(part: Part) -> list[str]:
    """What of a row does not hold, each in a line."""
    owner = found(part.of)
    said = [f"{part.of} has no {name}" for name in part.holds if not has(owner, name)]
    for name, expected in part.calls.items():
        if not hasattr(owner, name):
            said.append(f"{part.of} has no {name}")
        elif (takes := parameters(getattr(owner, name))) != expected:
            said.append(f"{part.of}.{name} takes ({takes}), not ({expected})")
    return said


@pytest.mark.parametrize("part", PARTS, ids=ids)
def test_each_name_of_a_row_is_used_in_the_files_that_the_row_names(part: Part) -> None:
    """A row that nothing uses any more would only make upgrades harder."""
    words = set().union(*(words_of(product()[path]) for path in part.used_in))
    own_name = {"__init__": part.of.partition(":")[2]}  # a class is called by its name, or by its subclass
    names = (*part.holds, *part.calls)
    unused = [name for name in names if not {name, own_name.get(name, name)} & words]
    assert not unused, f"{part.of}: {', '.join(unused)}"


def words_of(tree: ast.Module) -> Iterator[str]:
    """Every name in a file: variables, attributes, arguments, imports, functions, and parts of short strings."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=word) | ast.Attribute(attr=word) | ast.keyword(arg=str(word)) | ast.arg(arg=word):
                yield word
            case ast.FunctionDef(name=word) | ast.ClassDef(name=word):
                yield word
            case ast.alias(name=word, asname=other):
                yield from (word.split(".")[-1], other or "")
            case ast.Constant(value=str(text)) if len(text) < 80:
                yield from text.replace(":", ".").split(".")


def imported(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Each import of a library's module, and the name taken from it (empty for the module itself)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.module, alias.name) for alias in node.names)


def is_documented(module: str, name: str) -> bool:
    """Whether any file may import it."""
    return module in DOCUMENTED and (DOCUMENTED[module] is None or name in (DOCUMENTED[module] or ()))


def test_what_is_imported_from_their_undocumented_modules_stands_in_a_row() -> None:
    rows = {(part.of, name, path) for part in PARTS for path in part.used_in for name in (*part.holds, *part.calls)}
    for part in PARTS:
        module, _, name = part.of.replace(":", ".").rpartition(".")
        rows |= {(module, name, path) for path in part.used_in}
    missing = [
        f"{path}: {module} {name}"
        for path, tree in product().items()
        for module, name in imported(tree)
        if module.split(".")[0] in LIBRARIES and not is_documented(module, name) and (module, name, path) not in rows
    ]
    assert not missing


def test_no_file_outside_reaches_for_a_private_name_of_another_object() -> None:
    names = {(path, name) for part in PARTS for path in part.used_in for name in (*part.holds, *part.calls)}
    wrong = []
    for path, tree in product().items():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Attribute) or not node.attr.startswith("_") or node.attr.startswith("__"):
                continue
            owner = ast.unparse(node.value)
            said = f"{owner}.{node.attr}"
            is_ours = owner in {"self", "cls"} or said in OWN_PRIVATE or (path, said) in OTHERS_PRIVATE
            if not is_ours and (path, node.attr) not in names:
                wrong.append(f"{path}:{node.lineno} {said}")
    assert not wrong


def test_what_is_read_from_celerys_consumer_worker_and_loop_stands_in_a_row() -> None:
    """They come untyped, so they are known by what slotline calls them."""
    names = {name for part in PARTS for name in (*part.holds, *part.calls)}
    unknown = [
        f"{path}:{node.lineno} {ast.unparse(node)}"
        for path, tree in product().items()
        for node in ast.walk(tree)
        if path.startswith("workers/") and isinstance(node, ast.Attribute)
        if ast.unparse(node.value).removeprefix("self.").lstrip("_") in CELERYS and node.attr not in names | OURS
    ]
    assert not unknown


def subclasses() -> Iterator[tuple[str, ast.ClassDef, list[type]]]:
    """Each class of slotline with an undocumented foreign base: file, source, and all its foreign bases."""
    for path, tree in product().items():
        if not any(module.split(".")[0] in LIBRARIES for module, _ in imported(tree)):
            continue
        for node in tree.body:
            if not isinstance(node, ast.ClassDef):
                continue
            cls = getattr(importlib.import_module(path.removesuffix(".py").replace("/", ".")), node.name)
            foreign = [base for base in cls.__mro__ if base.__module__.split(".")[0] in LIBRARIES]
            if foreign and not issubclass(cls, BaseException) and foreign[0].__module__ != "celery.bootsteps":
                yield path, node, foreign


def own_names(node: ast.ClassDef) -> set[str]:
    """What a class defines, and what it takes from itself or its bases."""
    names = {one.name for one in node.body if isinstance(one, ast.FunctionDef)}
    for one in ast.walk(node):
        if isinstance(one, ast.Attribute) and ast.unparse(one.value) in {"self", "super()", "backend"}:
            names.add(one.attr)
    for statement in node.body:
        targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
        names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return names


def test_what_a_subclass_takes_from_its_foreign_base_stands_in_a_row() -> None:
    seen, missing = set(), []
    for path, node, foreign in subclasses():
        seen.add(node.name)
        rows = {name for part in PARTS if path in part.used_in for name in (*part.holds, *part.calls)}
        theirs = set().union(*(vars(base).keys() | set_in(base.__module__) for base in foreign))
        taken = own_names(node) & theirs
        missing += [f"{path}: {node.name}.{name}" for name in sorted(taken - rows)]
    assert {"SlotPool", "ChildPool", "LeasingChannel", "LeasingQoS", "LeasingPoller", "LeasingTransport"} <= seen
    assert {"ReconnectingConsumer", "BufferedBackend", "TimedRetry"} <= seen
    assert not missing
