"""Archives of the npm registry, by npm itself; where there is no npm, the registry's plain tarball over HTTP."""

from __future__ import annotations

from pathlib import Path

from tasks.errors import SourceUnavailable
from workers.pull.recipe import Package
from workers.pull.source import Report
from workers.pull.staging import Staging


def fetch(package: Package, staging: Staging, report: Report) -> Path:
    """The archive, in a folder of `staging.temporary`. Raises `SourceUnavailable` and `PullFailed`."""
    raise SourceUnavailable(f"npm: {package.name}: not yet")
