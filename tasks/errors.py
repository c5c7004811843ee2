"""All errors of slotline, with one sentence per class.

Each has its HTTP status, and says whether the same request may succeed later
(`retryable`). Every error takes only its message, so that a Celery result backend can
store it and build it again (`type(exc)(*exc.args)`).
"""

from __future__ import annotations


class SlotlineError(Exception):
    """The base of all errors that slotline raises itself."""

    status = 500
    retryable = False


class SettingsError(SlotlineError):
    """An environment variable or option has a value that cannot be used."""

    status = 500


class OtherStore(SettingsError):
    """The store here is not the one that the workers of this broker use."""


class CatalogError(SlotlineError):
    """The catalog (`models.toml`) is missing or broken, or lacks a required entry."""


class InvalidInput(SlotlineError):
    """A request, or one of its fields, is not valid."""

    status = 400


class IdInUse(InvalidInput):
    """The id of a task is that of another request."""

    status = 409


class NothingToSpeak(InvalidInput):
    """The text has no letter and no digit."""


class UnknownModel(InvalidInput):
    """The catalog has no model of that name."""

    status = 404


class UnknownVoice(InvalidInput):
    """The model has no voice of that name."""

    status = 404


class UnknownFace(InvalidInput):
    """The model has no face of that name."""

    status = 404


class UnknownJob(InvalidInput):
    """No job with this id is recorded."""

    status = 404


class MissingExtra(SlotlineError):
    """An adapter needs a package that is not installed; the message has the command that installs it."""


class ModelLoadError(SlotlineError):
    """A model could not be loaded or warmed up."""

    status = 503


class ModelError(SlotlineError):
    """The model failed on an input, and the input is not known to be at fault."""


class ModelChanged(SlotlineError):
    """The model was loaded again with other weights while the input was made ready; it is made ready again."""

    status = 503
    retryable = True


class PullFailed(SlotlineError):
    """A model's files could not be fetched, or what was fetched is not the model; nothing was installed."""


class SourceUnavailable(PullFailed):
    """A source of models does not answer, or lacks the model."""

    status = 503


class OutOfMemory(SlotlineError):
    """Memory ran out while computing; it may succeed later or in another slot."""

    status = 503
    retryable = True


class StoreError(SlotlineError):
    """The artifact store could not be read or written; the message has the reason of the file system."""

    status = 503
    retryable = True


class ArtifactMissing(StoreError):
    """An artifact that a message or the ledger names is not in the store, or is damaged; waiting does not bring it."""

    status = 500
    retryable = False


class BrokerUnavailable(SlotlineError):
    """No Redis answers at the broker's URL."""

    status = 503
    retryable = True


class BrokerRefused(SlotlineError):
    """Redis answers at the broker's URL, but refuses: its user lacks a right, for example, or it is a cluster."""

    status = 503


class NoFreeSlot(SlotlineError):
    """Other workers hold all slots of this host."""

    status = 503


class NameTaken(SlotlineError):
    """Another worker has the name that this one would have; the message says where that worker is."""


class WorkerLost(SlotlineError):
    """The child process died at every attempt of the part."""


class TimeLimitOver(SlotlineError):
    """The time limit that the sender of a task set for it is over; the message names it."""

    status = 504

    @classmethod
    def of(cls, limit: str) -> TimeLimitOver:
        """The error for a limit in words: `time_limit=0.2 s, set by the sender`."""
        return cls(f"{limit}, is over")


class TimeoutOver(SlotlineError):
    """A request was not computed within its `timeout_s`, and was dropped."""

    status = 504

    @classmethod
    def of(cls, timeout_s: float) -> TimeoutOver:
        """The error of a request with this `timeout_s`."""
        return cls(f"timeout_s: it was not computed within {timeout_s:g} s after it was submitted, and was dropped")


class MessageLost(SlotlineError):
    """The message of a job or a part was lost again and again before a worker began with it."""


class PartsFailed(SlotlineError):
    """A job ended with parts that failed for good; the message names them, and the results that are kept."""


class JobCancelled(SlotlineError):
    """The job was cancelled before it ended."""

    status = 409


def named(name: str) -> type[SlotlineError]:
    """The error class with the name that the ledger stored; the base class if there is none of that name."""
    found = globals().get(name)
    return found if isinstance(found, type) and issubclass(found, SlotlineError) else SlotlineError
