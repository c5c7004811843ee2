"""How often, and after which pause, a slot's child is started again. Pure: it neither waits nor starts."""

from __future__ import annotations

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
DEATHS_WITHOUT_WORK = 10
"""A child that dies this often in a row, with no batch finished between, is not the fault of one message."""


class Tries:
    """How often, and after which pause, a child is started again. Pure: it neither waits nor starts."""

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

    def spared(self) -> None:
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
