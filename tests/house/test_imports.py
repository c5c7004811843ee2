"""The import rules that a graph of imports alone cannot show, and that the rules of pyproject.toml bite."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("tasks", "workers", "producer")
HEAVY = {"torch", "torchaudio", "onnxruntime", "transformers", "kokoro", "kokoro_onnx", "viettts"}
VAGUE = {"utils", "util", "common", "helpers", "helper", "core", "manager", "misc"}
CPU_LIMIT_S = 2.0

LOADED_BY = """
import importlib, json, resource, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
used = resource.getrusage(resource.RUSAGE_SELF)
modules = sorted({name.split(".")[0] for name in sys.modules})
print(json.dumps({"modules": modules, "cpu_s": used.ru_utime + used.ru_stime}))
"""


def loaded_by(*modules: str) -> tuple[set[str], float]:
    """Top-level packages in memory after importing `modules` in a fresh process, and the CPU seconds that took."""
    command = [sys.executable, "-c", LOADED_BY, *modules]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    return set(said["modules"]), float(said["cpu_s"])


def sources(folder: Path) -> Iterator[Path]:
    """Every Python file below a folder."""
    return (path for path in sorted(folder.rglob("*.py")) if "__pycache__" not in path.parts)


def imported(tree: ast.AST) -> Iterator[tuple[ast.stmt, str]]:
    """Each import in a tree, with the top-level package that it names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name.split(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node, (node.module or "").split(".")[0]


def inside_functions(tree: ast.AST) -> set[ast.stmt]:
    """Every import statement that stands in a function's body."""
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return {node for function in functions for node, _ in imported(function)}


def only_for_types(tree: ast.Module) -> set[ast.stmt]:
    """Every import statement below `if TYPE_CHECKING:`."""
    guards = [n for n in tree.body if isinstance(n, ast.If) and ast.unparse(n.test).endswith("TYPE_CHECKING")]
    return {node for guard in guards for node, _ in imported(guard)}


@pytest.mark.parametrize("modules", [("producer",), ("tasks.app", "tasks.kinds.speech"), ("tasks.command",)])
def test_enqueueing_loads_no_model_code_and_no_worker(modules: tuple[str, ...]) -> None:
    loaded, cpu_s = loaded_by(*modules)
    assert not loaded & (HEAVY | {"workers", "numpy", "soundfile", "fastapi"})
    assert cpu_s < CPU_LIMIT_S


def test_a_workers_parent_loads_no_model_code() -> None:
    loaded, _ = loaded_by("workers")
    assert "workers" in loaded
    assert not loaded & HEAVY


def test_heavy_libraries_are_imported_inside_functions_of_adapters() -> None:
    for path in (path for package in PACKAGES for path in sources(ROOT / package)):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        allowed = inside_functions(tree) | only_for_types(tree) if "adapters" in path.parts else set()
        wrong = [
            f"{path}:{node.lineno} {name}" for node, name in imported(tree) if name in HEAVY and node not in allowed
        ]
        assert not wrong


def test_celeryconfig_imports_the_standard_library_only() -> None:
    tree = ast.parse((ROOT / "celeryconfig.py").read_text(encoding="utf-8"))
    assert {name for _, name in imported(tree)} <= set(sys.stdlib_module_names)


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert not [path for package in PACKAGES for path in sources(ROOT / package) if path.stem in VAGUE]


@pytest.mark.parametrize(
    ("path", "line", "broken"),
    [
        ("tasks/routing.py", "import workers", "producer | workers -> tasks"),
        ("producer/__init__.py", "import workers", "producer | workers -> tasks"),
        ("workers/__init__.py", "import producer", "producer | workers -> tasks"),
        ("workers/sidecar/stages/runs.py", "def f():\n    import torch", "Heavy libraries"),
        ("workers/sidecar/stages/runs.py", "def f():\n    import pynvml", "NVML"),
        ("tasks/routing.py", "def f():\n    import fastapi", "The web framework"),
        ("workers/child/main.py", "def f():\n    import workers.sidecar.main", "workers.parent, workers.child and"),
        ("workers/adapters/rehearsal/__init__.py", "import workers.adapters.espeak", "Adapters never import"),
    ],
)
def test_an_import_that_breaks_a_rule_is_found(path: str, line: str, broken: str, tmp_path: Path) -> None:
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with (tmp_path / path).open("a", encoding="utf-8") as file:
        file.write(f"\n{line}\n")
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-cache"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1, done.stdout + done.stderr
    verdicts = [text for text in done.stdout.splitlines() if " BROKEN" in text]
    assert any(verdict.startswith(broken) for verdict in verdicts), done.stdout
