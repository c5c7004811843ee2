"""Decides how often, and after which pause, a slot's child is started again, and when it is replaced for its memory.

Pure: it does not wait, measure, kill or start.
"""

from __future__ import annotations

from collections import Counter

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
GB = 1024**3
DEATHS_WITHOUT_WORK = 10
"""If a child dies so often in a row without finishing a batch, no single message is at fault."""


class RestartPolicy:
    """Counts failed loads and deaths since the last success, and returns the pause before the next start."""

    def __init__(self, load_attempts: int) -> None:
        self._load_attempts = load_attempts
        self.failed_loads = 0
        self.deaths = 0

    def loaded(self) -> None:
        """The model is ready."""
        self.failed_loads = 0

    def worked(self) -> None:
        """A batch was finished."""
        self.deaths = 0

    def expect_death(self) -> None:
        """The child will be killed for a reason that is not the model's fault; this death does not count."""
        self.deaths -= 1

    def load_failed(self, permanent: bool) -> float | None:
        """Count a failed load; returns the seconds before the next start, or None for no further start."""
        self.failed_loads += 1
        if permanent or self.failed_loads >= self._load_attempts:
            return None
        return float(min(FIRST_PAUSE_S * 2 ** (self.failed_loads - 1), LONGEST_PAUSE_S))

    def died(self) -> float | None:
        """Count the death of a ready child; returns 0 (start at once), or None after too many deaths without work."""
        self.deaths += 1
        return None if self.deaths >= DEATHS_WITHOUT_WORK else 0.0


class VariantLoads:
    """Which of a registry's models is being loaded, and which are refused.

    A model is refused after its load has ended the child `attempts` times without a successful load in between.
    """

    def __init__(self, attempts: int) -> None:
        self._attempts = attempts
        self._deaths: Counter[str] = Counter()
        self.current = ""
        """The model that is being loaded; empty if none is."""

    @property
    def refused(self) -> frozenset[str]:
        """The models that are not loaded again."""
        return frozenset(name for name, deaths in self._deaths.items() if deaths >= self._attempts)

    def began(self, name: str) -> None:
        """The child has begun to load this model."""
        self.current = name

    def ended(self, name: str, is_loaded: bool) -> None:
        """The load has ended, and the child lives."""
        self.current = ""
        if is_loaded:
            self._deaths.pop(name, None)

    def child_ended(self) -> None:
        """The child has died, perhaps during a load."""
        if self.current:
            self._deaths[self.current] += 1
        self.current = ""


class Recycling:
    """When a child is replaced because its memory has grown: `recycle_rss_gb` of its model's table; None: no limit.

    A child that is too large when it has just been loaded is not replaced: the next one would be no smaller. Sizes
    are bytes of the host's memory (RSS). The child sends how much it uses, and `dispatcher.py` replaces it.
    """

    def __init__(self, limit_gb: float | None) -> None:
        self.limit_gb = limit_gb
        self.count = 0
        """How many children were replaced for their memory."""
        self.is_reloading = False
        """Whether a child was replaced for its memory, and the next one is not ready yet."""
        self._limit_bytes = None if limit_gb is None else int(limit_gb * GB)
        self._rss_bytes = 0
        self._batches = 0
        self._is_fresh = False
        self._is_too_large_from_the_start = False

    @property
    def is_due(self) -> bool:
        """Whether the child must be replaced after its batch."""
        if self._limit_bytes is None or self._is_too_large_from_the_start or self.is_reloading:
            return False
        return self._rss_bytes > self._limit_bytes

    def started(self) -> None:
        """A child was forked."""
        self._rss_bytes, self._batches = 0, 0
        self._is_fresh, self._is_too_large_from_the_start = True, False

    def ready(self, rss_bytes: int) -> str:
        """The child takes requests; a line for the log if its first load has exceeded the limit, else an empty string.

        `rss_bytes` is 0 if nothing is loaded yet.
        """
        self.is_reloading = False
        self._rss_bytes = rss_bytes
        if not (rss_bytes and self._is_fresh) or self._limit_bytes is None:
            return ""
        self._is_fresh = False
        self._is_too_large_from_the_start = rss_bytes > self._limit_bytes
        if not self._is_too_large_from_the_start:
            return ""
        return (
            f"recycle_rss_gb = {self.limit_gb:g} is less than the {rss_bytes / GB:.2f} GB that its process uses when "
            "its model has just been loaded: it is not replaced for its memory; raise recycle_rss_gb"
        )

    def used(self, rss_bytes: int) -> None:
        """The child uses so much after a batch."""
        self._rss_bytes = rss_bytes
        self._batches += 1

    def begin(self) -> str:
        """The child is replaced now; returns the reason, for the log."""
        self.count += 1
        self.is_reloading = True
        batches = f"{self._batches} batch{'es' * (self._batches != 1)}"
        reason = f"it used {self._rss_bytes / GB:.2f} GB after {batches}, more than recycle_rss_gb = {self.limit_gb:g}"
        if self._batches == 1:
            reason += "; each batch will load the model again: raise recycle_rss_gb"
        return reason
