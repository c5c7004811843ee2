"""The one error tree: a sentence a class.

Each says its HTTP status and whether trying the same thing again can help
(`retryable`). Every error is built from its message alone, so that it survives the way
through a Celery result backend and back (`type(exc)(*exc.args)`).
"""

from __future__ import annotations


class SlotlineError(Exception):
    """Anything that slotline itself refuses or fails at."""

    status = 500
    retryable = False


class SettingsError(SlotlineError):
    """An environment variable or option has a value that cannot be used."""

    status = 500


class CatalogError(SlotlineError):
    """The catalog (`models.toml`) is missing, broken, or lacks what was asked for."""


class InvalidInput(SlotlineError):
    """A request, or a field of it, cannot be served as it is."""

    status = 400


class NothingToSpeak(InvalidInput):
    """The text holds no letter and no digit."""


class UnknownModel(InvalidInput):
    """No model of that name is in the catalog."""

    status = 404


class UnknownVoice(InvalidInput):
    """The model has no voice of that name."""

    status = 404


class UnknownJob(InvalidInput):
    """No job of that id is recorded."""

    status = 404


class MissingExtra(SlotlineError):
    """An adapter needs a package that is not installed; the message holds the install command."""


class ModelLoadError(SlotlineError):
    """A model could not be loaded or warmed up."""

    status = 503


class ModelError(SlotlineError):
    """The model failed on an input for a reason of its own."""


class OutOfMemory(SlotlineError):
    """Memory ran out while computing; another time or place may have more."""

    status = 503
    retryable = True


class StoreError(SlotlineError):
    """The artifact store could not be read or written; the message holds its own words."""

    status = 503
    retryable = True


class ArtifactMissing(StoreError):
    """An artifact that the ledger names is not in the store, or is damaged."""


class BrokerUnavailable(SlotlineError):
    """No Redis answers at the broker's URL."""

    status = 503
    retryable = True


class NoFreeSlot(SlotlineError):
    """Every slot of this host is held by another worker."""

    status = 503


class WorkerLost(SlotlineError):
    """The process that computed died each time it was tried."""


class PartsFailed(SlotlineError):
    """A job ended with parts that failed for good; the message names them and the audio that is kept."""


class JobCancelled(SlotlineError):
    """The job was cancelled before it ended."""

    status = 409


def named(name: str) -> type[SlotlineError]:
    """The error class of that name, as the ledger stored it; the base where the name is not known (any more)."""
    found = globals().get(name)
    return found if isinstance(found, type) and issubclass(found, SlotlineError) else SlotlineError
