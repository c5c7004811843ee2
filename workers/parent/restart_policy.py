"""How often, and after which pause, a slot's child is started again. Pure: it neither waits nor starts."""

from __future__ import annotations

from collections import Counter

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
DEATHS_WITHOUT_WORK = 10
"""A child that dies this often in a row, with no batch finished between, is not the fault of one message."""


class RestartPolicy:
    """Counts failed loads and deaths, each since the last success, and says after which pause to try again."""

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
        """The child is about to be killed for a reason that is no fault of the model; that death does not count."""
        self.deaths -= 1

    def load_failed(self, permanent: bool) -> float | None:
        """Seconds to wait before the next try, or None for no more."""
        self.failed_loads += 1
        if permanent or self.failed_loads >= self._load_attempts:
            return None
        return float(min(FIRST_PAUSE_S * 2 ** (self.failed_loads - 1), LONGEST_PAUSE_S))

    def died(self) -> float | None:
        """As `load_failed`, for a child that had been ready: at once, as long as work gets done at all."""
        self.deaths += 1
        return None if self.deaths >= DEATHS_WITHOUT_WORK else 0.0


class VariantLoads:
    """Which of a registry's many small models is being loaded, and which are loaded no more.

    One whose load has ended the child `attempts` times, with no load that went well between, is refused.
    """

    def __init__(self, attempts: int) -> None:
        self._attempts = attempts
        self._deaths: Counter[str] = Counter()
        self.current = ""
        """The one that is being loaded; empty while none is."""

    @property
    def refused(self) -> frozenset[str]:
        """Those that are not loaded again."""
        return frozenset(name for name, deaths in self._deaths.items() if deaths >= self._attempts)

    def began(self, name: str) -> None:
        """The child loads it."""
        self.current = name

    def ended(self, name: str, is_loaded: bool) -> None:
        """That load has ended, and the child lives."""
        self.current = ""
        if is_loaded:
            self._deaths.pop(name, None)

    def child_ended(self) -> None:
        """The child is gone, perhaps in the midst of a load."""
        if self.current:
            self._deaths[self.current] += 1
        self.current = ""
