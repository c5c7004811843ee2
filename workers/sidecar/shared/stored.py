"""The artifacts that this sidecar stored lately: what a batch looked for just before need not be computed again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping

from tasks.store.names import Artifact

REMEMBERED = 1024


class Stored:
    """Names and times; the away thread adds, any thread reads."""

    def __init__(self) -> None:
        self._artifacts: OrderedDict[str, tuple[Artifact, float]] = OrderedDict()

    def add(self, artifact: Artifact, now: float) -> None:
        """Note an artifact, at a time of the monotonic clock, before its claim is released."""
        self._artifacts[artifact.name] = artifact, now
        if len(self._artifacts) > REMEMBERED:
            self._artifacts.popitem(last=False)

    def since(self, names: Iterable[str], began: float) -> Mapping[str, Artifact]:
        """Those of these artifacts that were stored at `began` or later."""
        found = ((name, self._artifacts.get(name)) for name in names)
        return {name: one[0] for name, one in found if one is not None and one[1] >= began}
