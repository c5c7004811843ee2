"""Every key that slotline keeps in Redis, on one page.

All live in the broker's own database, beside Celery's queues (a list per queue and
priority) and results (`celery-task-meta-<id>`), so that one script can change a record
and send a message in the same step.
"""

from __future__ import annotations

import re

PREFIX = "slotline:"

HELD = PREFIX + "held"
"""Hash: delivery tag -> `holder \\n list \\n message`. The messages that workers hold. Owner: the transport."""

LEASES = PREFIX + "leases"
"""Sorted set: delivery tag -> end of its lease, ms of Redis' clock. Owner: the transport."""

BEAT = PREFIX + "beat"
"""Hash: when, and at which Redis server, a worker last looked after the leases. Owner: the transport."""

SET_ASIDE = PREFIX + "setaside"
"""List: messages that no worker could read: a line of JSON (queue, reason, time in ms), then the message as it came.
Owner: the transport."""

SET_ASIDE_ABOUT = SET_ASIDE + ":about"
"""Hash: `bytes` of that list, and how many entries were `dropped`, because it is bounded. Owner: the transport."""

NOTHING = PREFIX + "nothing"
"""Never written: a blocking read of it is a pause of known length. Owner: the transport."""

RIGHTS = PREFIX + "rights"
"""Never written: commands on it are queued in a transaction that is discarded, to see a user's rights."""


def literal(text: str) -> str:
    """A text as it is, inside a pattern of Redis' (`SCAN … MATCH`)."""
    return re.sub(r"([][*?^\\-])", r"\\\1", text)


def idle(queue: str) -> str:
    """Sorted set: a slot of this queue that holds no message -> until when that counts, ms of Redis' clock.

    Owner: the transport.
    """
    return f"{PREFIX}idle:{queue}"


def fair(queue: str) -> str:
    """Hash with a time to live: a priority of this queue -> its credit, in millionths of a message. A whole one is
    a place, although a more urgent list has something. Owner: the transport.
    """
    return f"{PREFIX}fair:{queue}"


def loaded(queue: str, word: str) -> str:
    """Sorted set: a slot of this queue that has this model of its registry loaded, or will load it -> end of its lease,
    ms. The word is empty where the queue has one model. Owner: the transport (`_prefer.lua`).
    """
    return f"{PREFIX}loaded:{queue}:{word}"


def room(queue: str) -> str:
    """Hash: a slot of a registry -> JSON (until_ms, room, coming, over, calm_ms): how many more models fit, which
    ones it will load, which ones others took over, and when it had loaded all. Owner: the transport.
    """
    return f"{PREFIX}room:{queue}"


def left(queue: str) -> str:
    """Hash with a time to live: tag of a message that was left to a slot with its model -> since when, and how often it
    was overtaken. Owner: the transport.
    """
    return f"{PREFIX}left:{queue}"


def load_time(queue: str) -> str:
    """String: how long a load of this queue's model takes, ms, as a slot last measured it. Owner: the transport."""
    return f"{PREFIX}load:{queue}"


def ring(queue_list: str) -> str:
    """Sorted set: `=job`, or `>book` for the open chapters of one, with parts that wait for this list of a model's
    queue -> how often it was served; the smallest is next.
    """
    return f"{PREFIX}ring:{queue_list}"


def ring_jobs(queue_list: str) -> str:
    """Sorted set, all with score 0: the jobs behind the books of that ring, as `length:>book\\nnumber\\njob`."""
    return f"{PREFIX}ring:{queue_list}:jobs"


def ring_sent(queue_list: str) -> str:
    """Sorted set: `job.part` that is under way in this list -> when it was sent, ms of Redis' clock."""
    return f"{PREFIX}ring:{queue_list}:sent"


PAUSED = PREFIX + "paused"
"""Hash: model -> JSON (since_ms, by). The models whose slots begin nothing. Owner: `tasks/pauses.py`."""

JOBS = PREFIX + "jobs"
"""Sorted set: job id -> when it was submitted, ms of Redis' clock, with a fraction. For listings only."""

RESULT_PREFIX = "celery-task-meta-"
"""Celery's own result keys; the ledger writes PROGRESS there while a job is open, PENDING for a task without a job."""


ROOMS = ("parts", "states", "outcomes", "attempts", "sent", "sizes")
"""The last words of the keys of one job. No job's id ends in one of them (`tasks/redis/task_id.py`)."""


def job(job_id: str) -> str:
    """Hash: the job's record (kind, state, request, counters, measure, its own message, its parent)."""
    return f"{PREFIX}job:{job_id}"


def parts(job_id: str) -> str:
    """List: one payload a part, in order."""
    return f"{PREFIX}job:{job_id}:parts"


def states(job_id: str) -> str:
    """String: one character a part: `.` waiting, `q` sent, `d` done, `f` failed, `s` skipped."""
    return f"{PREFIX}job:{job_id}:states"


def sizes(job_id: str) -> str:
    """String: 4 bytes a part, the highest first: how much there is to compute in it (`tasks/flow/ledger/sizes.py`)."""
    return f"{PREFIX}job:{job_id}:sizes"


def outcomes(job_id: str) -> str:
    """Hash: part number -> JSON of its result, error, or reason to be skipped."""
    return f"{PREFIX}job:{job_id}:outcomes"


def attempts(job_id: str) -> str:
    """Hash: part number -> how often a run of it was begun. A bare task counts under part 0 of its own id.

    `request` -> the digest of the request that an id without a record belongs to.
    """
    return f"{PREFIX}job:{job_id}:attempts"


def reading(digest: str) -> str:
    """String: id of the job that reads a book with certain options, so that the same command goes on with it."""
    return f"{PREFIX}reading:{digest}"


def sent(job_id: str) -> str:
    """Hash: part -> its message while it is under way; `start`, `end`: the job's own. What the sweep looks for."""
    return f"{PREFIX}job:{job_id}:sent"


OPEN = PREFIX + "open"
"""Sorted set: job that has not ended -> when the sweep last looked at it, ms."""

DELAYED = PREFIX + "delayed"
"""Sorted set: `queue list \\n message` -> when it is sent, ms of Redis' clock. Messages with an eta, further tries, and
waits for an artifact."""

TIMEOUTS = PREFIX + "timeouts"
"""Sorted set: id of a job, or of a task without one, that has a `timeout_s` -> when it is over, ms of Redis' clock."""

HASTEN = PREFIX + "hasten"
"""Hash: `asked` -> how often something was cancelled while messages were delayed, `done` -> what `asked` was when the
last complete walk through them began. The sweeper walks while the two differ."""

FAILED = PREFIX + "failed"
"""Sorted set: `<job>.<part>` -> when it failed for good, ms."""


SWEEPER = PREFIX + "sweeper"
"""String with a time to live: which worker sweeps."""


STORES = PREFIX + "stores"
"""Sorted set: id of the store that live workers use -> end of the last lease of its users, ms of Redis' clock."""


LAST_STORE = PREFIX + "laststore"
"""String (JSON): the id and the last user of the store that a worker used last; kept as long as an ended job."""


def store_users(store_id: str) -> str:
    """Sorted set: a worker that uses this store (JSON: its store's URL, its host, its process) -> end of its lease."""
    return f"{PREFIX}store:{store_id}"


PRUNER = PREFIX + "pruner"
"""String with a time to live: which flow worker removes what nobody uses from the store."""

RETENTION = PREFIX + "retention"
"""String (JSON): how far that is: the round that is under way, when the next one begins, and what the last one did."""


def computed_by(artifact: str) -> str:
    """String: delivery tag of the message whose run computes this artifact now."""
    return f"{PREFIX}hand:{artifact}"


def waiters(artifact: str) -> str:
    """List: messages (with their queue's list) that wait for this artifact instead of computing it again."""
    return f"{PREFIX}followers:{artifact}"


def slot(host: str, device: str, index: int | str) -> str:
    """String with a lease: who holds this slot (JSON). `host` is the boot id for CPU slots, and `gpu` for GPU slots,
    whose `device` is the UUID of the GPU or MIG slice."""
    return f"{PREFIX}slot:{host}:{device}:{index}"


def worker_name(worker: str) -> str:
    """String with a lease: which process has this worker's name (the JSON of its slot's claim)."""
    return f"{PREFIX}name:{worker}"


def turn(gpu: str) -> str:
    """String with a lease: the worker that may load a model on this GPU (UUID) now."""
    return f"{PREFIX}turn:{gpu}"


def promised(gpu: str) -> str:
    """Hash: worker with a slot on this GPU (UUID) whose model is not loaded now -> bytes that are kept free for it."""
    return f"{PREFIX}promised:{gpu}"


def footprint(model: str) -> str:
    """Hash: `revision|GPU type|precision` -> JSON: the bytes that a slot of this model takes, and when measured."""
    return f"{PREFIX}footprint:{model}"


def fits(model: str, where: str) -> str:
    """String with a time to live of a day: how many inputs fit the memory at once (`revision|card|precision`)."""
    return f"{PREFIX}fits:{model}:{where}"


def capacity(model: str) -> str:
    """Sorted set: `worker name|parts it takes at once` -> end of its lease, ms of Redis' clock."""
    return f"{PREFIX}capacity:{model}"


def pace(what: str) -> str:
    """Hash: class of sizes -> how long such parts took; `what` is a model, or `flow:<kind>` for the end of a job.

    What the fields are is in `tasks/redis/lua/pace.lua`. It ends 30 days after the last sample.
    """
    return f"{PREFIX}pace:{what}"


def offer(model: str) -> str:
    """String (JSON): what the last ready worker of this model published: voices, sample rate, revision."""
    return f"{PREFIX}offer:{model}"


def input_schema(model: str) -> str:
    """String (JSON): the JSON schema of the model's inputs, beside its offer, which older versions read whole."""
    return f"{PREFIX}inputschema:{model}"


def health(worker: str) -> str:
    """String (JSON) with a time to live: a worker's state at its last beat; the time left says how old it is."""
    return f"{PREFIX}health:{worker}"


def health_more(worker: str) -> str:
    """String (JSON) with a time to live: the fields of a worker's last beat that older versions do not know."""
    return f"{PREFIX}healthmore:{worker}"
