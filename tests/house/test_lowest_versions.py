"""`make test-lowest` tests what pyproject.toml allows: each direct dependency has a lowest version."""

from __future__ import annotations

import re
from importlib.metadata import version

import pytest

from tests.house.lowest_versions import constraints, dependencies

UPSTREAM = ("celery", "kombu", "billiard", "redis")


@pytest.mark.parametrize(
    ("requirement", "expected"),
    [
        ("celery[redis]~=5.7.0", "celery==5.7.0"),
        ("redis>=7.2.1,<8.2", "redis==7.2.1"),
        ("a-b_c.d <3, >= 2.0.post1", "a-b_c.d==2.0.post1"),
        ("nvml>=12; sys_platform == 'linux'", "nvml==12; sys_platform == 'linux'"),
    ],
)
def test_a_requirement_becomes_the_lowest_version_that_it_allows(requirement: str, expected: str) -> None:
    assert list(constraints([requirement])) == [expected]


@pytest.mark.parametrize("requirement", ["celery", "celery<6", "celery!=5.6"])
def test_a_requirement_without_a_lower_bound_is_an_error(requirement: str) -> None:
    with pytest.raises(ValueError, match="no lower bound"):
        list(constraints([requirement]))


def test_every_direct_dependency_has_a_lowest_version() -> None:
    assert len(list(constraints(dependencies()))) == len(dependencies())


@pytest.mark.parametrize("name", UPSTREAM)
def test_a_library_whose_private_parts_are_used_lets_in_no_version_that_was_never_tested(name: str) -> None:
    (bounds,) = [one for one in dependencies() if re.match(rf"{name}\b", one)]
    major, minor = (int(part) for part in version(name).split(".")[:2])
    if compatible := re.search(r"~=(\d+)\.(\d+)\.\d+", bounds):
        assert (int(compatible[1]), int(compatible[2])) == (major, minor)
    else:
        highest = re.search(r"<(\d+)\.(\d+)", bounds)
        assert highest
        assert (major, minor) < (int(highest[1]), int(highest[2]))
