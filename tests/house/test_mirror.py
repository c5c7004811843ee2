"""The tests mirror the tree, and nothing in it grows too long: files, functions, folders.

The module `tasks/text/split.py` is tested by `tests/unit/tasks/text/test_split.py`, a package
`workers/transport` by `tests/unit/workers/test_transport.py`. What is tested elsewhere, what holds nothing to test,
and what is longer than the rest, stands by name in `exceptions.py`; a name that needs no exception
any more must leave it. CONTRIBUTING.md says the same numbers.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.house import exceptions

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("tasks", "workers", "producer")
FILE_LINES = 300
TEST_LINES = 400
FUNCTION_LINES = 40
FOLDER_FILES = 13
"""Python files that hold something: `__init__.py` and `conftest.py` come with every folder."""


def files(*folders: str) -> Iterator[Path]:
    """Every Python file below these folders, from the root."""
    return (path.relative_to(ROOT) for folder in folders for path in sorted((ROOT / folder).rglob("*.py")))


def source(path: Path) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method of a file."""
    tree = ast.parse(source(path))
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def mirrored(module: Path) -> Path:
    """The test file of a module or, for its `__init__.py`, of a package."""
    name = module.parent if module.stem == "__init__" else module.with_suffix("")
    return Path("tests", "unit", *name.parent.parts, f"test_{name.name}.py")


def test_each_module_that_does_something_has_a_test_at_its_mirrored_path() -> None:
    does_something = [path for path in files(*PRODUCT) if any(functions(path))]
    without = {str(path) for path in does_something if not (ROOT / mirrored(path)).exists()}
    listed = set(exceptions.TESTED_ELSEWHERE) | set(exceptions.NOTHING_TO_TEST)
    assert sorted(without - listed) == [], "write their tests, or say in exceptions.py where they are tested"
    assert sorted(listed - without) == [], "these have a test of their own, or are gone: take them from exceptions.py"


def test_what_is_tested_elsewhere_is_tested_in_a_file_that_exists() -> None:
    elsewhere = exceptions.TESTED_ELSEWHERE.values()
    assert sorted(name for name in elsewhere if not (ROOT / name).exists()) == []


def test_each_test_file_has_its_module() -> None:
    expected = {str(mirrored(path)) for path in files(*PRODUCT)} | set(exceptions.TESTED_ELSEWHERE.values())
    without = {str(path) for path in files("tests/unit") if path.stem.startswith("test_")} - expected
    listed = set(exceptions.TESTS_OF_MORE_THAN_A_MODULE)
    assert sorted(without - listed) == [], "name them after their module, or say in exceptions.py what they test"
    assert sorted(listed - without) == [], "these have their module, or are gone: take them from exceptions.py"


def test_no_file_is_too_long() -> None:
    limits = {path: FILE_LINES for path in files(*PRODUCT)} | {path: TEST_LINES for path in files("tests")}
    too_long = {str(path) for path, limit in limits.items() if len(source(path).splitlines()) > limit}
    assert too_long == set(exceptions.LONG_FILES)


def test_no_function_is_too_long() -> None:
    too_long = {
        f"{path}: {one.name}"
        for path in files(*PRODUCT, "tests", "benchmarks")
        for one in functions(path)
        if (one.end_lineno or 0) - one.lineno >= FUNCTION_LINES
    }
    assert too_long == set(exceptions.LONG_FUNCTIONS)


def test_no_folder_is_a_list() -> None:
    kept = (path for path in files(*PRODUCT, "tests", "benchmarks") if path.stem not in ("__init__", "conftest"))
    counts = Counter(str(path.parent) for path in kept)
    assert {folder for folder, count in counts.items() if count > FOLDER_FILES} == set(exceptions.LARGE_FOLDERS)


def test_contributing_says_the_same_numbers() -> None:
    said = " ".join((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split())
    limits = f"{FILE_LINES} are the limit ({TEST_LINES} for tests), {FUNCTION_LINES} for a function"
    assert f"{limits}, and {FOLDER_FILES} Python files for a folder" in said
