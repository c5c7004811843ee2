"""No module imports itself through others, for types neither: whoever reads one can read it alone."""

from __future__ import annotations

import grimp
import pytest

PACKAGES = ("tasks", "workers", "producer")


def imports(*packages: str) -> dict[str, set[str]]:
    """Each module with those that it imports, wherever in it: at its top, in a function, under TYPE_CHECKING."""
    graph = grimp.build_graph(*packages, cache_dir=None)
    return {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}


def circles(imported: dict[str, set[str]]) -> list[list[str]]:
    """Each set of modules in which every one reaches every other, largest first."""
    reached = {module: _reachable(module, imported) for module in imported}
    found = {
        frozenset(other for other in reached[module] if module in reached.get(other, set()))
        for module in imported
        if module in reached[module]
    }
    return sorted((sorted(circle) for circle in found), key=len, reverse=True)


def _reachable(start: str, imported: dict[str, set[str]]) -> set[str]:
    reached: set[str] = set()
    left = [start]
    while left:
        for module in imported.get(left.pop(), set()) - reached:
            reached.add(module)
            left.append(module)
    return reached


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert circles(imports(*PACKAGES)) == []


@pytest.mark.parametrize(
    ("imported", "found"),
    [
        ({"a": {"b"}, "b": {"c"}, "c": set()}, []),
        ({"a": {"b"}, "b": {"a"}, "c": {"a"}}, [["a", "b"]]),
        ({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"e"}, "e": {"d"}}, [["a", "b", "c"], ["d", "e"]]),
    ],
)
def test_a_circle_is_found_whatever_leads_to_it(imported: dict[str, set[str]], found: list[list[str]]) -> None:
    assert circles(imported) == found
