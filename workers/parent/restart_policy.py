"""Decides how often, and after which pause, a slot's child is started again. Pure: it does not wait or start."""

from __future__ import annotations

from collections import Counter

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
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
