"""What the house's rules on tests, files and folders leave out: each by name, with its reason (test_mirror.py).

And which blocks of the pages no test runs (test_commands_of_pages.py).
"""

from __future__ import annotations

TESTED_ELSEWHERE = {
    "tasks/flow/ledger/__init__.py": "tests/unit/tasks/flow/ledger/test_transitions.py",
    "tasks/redis/celery_formats.py": "tests/house/test_celery_formats.py",
    "workers/upstream/table.py": "tests/house/test_upstream.py",
}
"""Modules with no test at their mirrored path -> the file that tests them."""

NOTHING_TO_TEST = {
    "workers/child/models/base.py": "protocols, and a value without methods",
    "workers/parent/child.py": "a protocol",
    "workers/pull/source.py": "two protocols",
    "workers/parent/listener.py": "a protocol, and one listener that does nothing",
}
"""Modules whose functions do nothing themselves -> what they hold."""

TESTS_OF_MORE_THAN_A_MODULE = {
    "tests/unit/examples/test_own_model.py": "examples/own-model, without a slot",
    "tests/unit/producer/commands/test_bad_input.py": "bad input to any command: one line, status 2",
    "tests/unit/producer/commands/test_rights.py": "a right at Redis that is missing, at any command",
    "tests/unit/tasks/flow/ledger/test_begin.py": "runs of a job's own task, of claims and transitions",
    "tests/unit/tasks/flow/ledger/test_extend.py": "levels of a summary, of transitions and of flow",
    "tests/unit/tasks/flow/ledger/test_later.py": "parts sent again later, of transitions and of upkeep",
    "tests/unit/tasks/flow/ledger/test_measure.py": "what a job has made, of record, transitions and progress",
    "tests/unit/tasks/flow/ledger/test_ring.py": "how jobs share a model's queue, in scripts alone",
    "tests/unit/tasks/flow/ledger/test_timeouts.py": "what is late, of take, cancel, queries and ends/outside",
    "tests/unit/workers/adapters/test_conformance.py": "what every adapter must do, on each that runs here",
    "tests/unit/workers/adapters/lipsync/test_whole_frames.py": "the frames of the whole adapter against the reference",
    "tests/unit/workers/adapters/lipsync/test_reference.py": "what the frames of faces are held against",
    "tests/unit/workers/adapters/kokoro/test_memory.py": "what Kokoro's engines keep in memory, in a process each",
    "tests/unit/workers/adapters/viettts/test_slot.py": "VietTTS in two real slots",
    "tests/unit/workers/sidecar/stages/test_artifact_names.py": "names that earlier versions gave, of parts and crafts",
    "tests/unit/workers/child/models/test_voices.py": "voices that come and go, in real slots",
    "tests/unit/tasks/flow/ledger/test_pace.py": "what the ledger notes of how long parts take, in scripts alone",
    "tests/unit/workers/slots/test_gpu_check.py": "benchmarks/gpu_check.py, on the fake driver",
    "tests/unit/workers/transport/test_lease_machine.py": "leases in any order of steps, drawn at random",
    "tests/unit/workers/transport/test_prefer.py": "slots that have a message's model, of holdings and leases",
    "tests/unit/workers/transport/test_reclaim.py": "when a lease is taken back, of leases and renewal",
    "tests/unit/workers/transport/test_share.py": "how slots, and a queue's lists, share what waits",
}
"""Test files below tests/unit that mirror no module -> what they test."""

LONG_FILES: dict[str, str] = {}
"""Files longer than the limit -> why."""

LONG_FUNCTIONS: dict[str, str] = {}
"""Functions longer than the limit -> why."""

LARGE_FOLDERS = {
    "benchmarks": "one file a benchmark, and what they compare with",
    "tests/faults": "one file a fault",
    "tests/house": "one rule a file",
    "workers/duties": "one duty a file",
    "tests/unit/producer/commands": "it mirrors producer/commands, and has what goes wrong with any command",
    "tests/unit/tasks/flow/ledger": "it mirrors tasks/flow/ledger, and has the jobs that these tests share",
    "tests/unit/tasks/messages": "it mirrors tasks/messages, whose package `infer` has its own test",
    "tests/unit/workers/adapters": "it mirrors workers/adapters, and has the suite that all adapters pass",
    "tests/unit/workers/adapters/kokoro": "it mirrors workers/adapters/kokoro, and has the small models of these tests",
    "tests/unit/workers/conformance": "it mirrors workers/conformance, and has the adapters that are wrong",
    "tests/unit/workers/duties": "it mirrors workers/duties",
    "tests/unit/workers/slots": "it mirrors workers/slots, and has the check of a GPU machine",
    "tests/unit/workers/transport": "it mirrors workers/transport, and has tests of its scripts",
}
"""Folders of more files than the limit -> why."""

BLOCKS_NOT_RUN: dict[str, dict[str, str]] = {
    "README.md": {
        "$ make demo-kokoro": "it fetches 300 MB: packages, and the weights of Kokoro",
    },
    "docs/reading.md": {
        "$ export SLOTLINE_MODELS=out/models.toml": "the weights of Kokoro, which make demo-kokoro fetches",
    },
    "docs/samples/README.md": {
        "$ . .venv/bin/activate": "the weights of Kokoro, which make demo-kokoro fetches",
        "import soundfile": "the sounds that Kokoro's block before it has written",
    },
    "benchmarks/README.md": {"make bench": "minutes to hours; tests/house/test_benchmarks.py runs each, small"},
    "docs/models.md": {
        "$ pip install 'slotline[onnx,kokoro-en]'": "300 MB; test_pull_kokoro.py and tests/acceptance/kokoro do it",
        "npm pack kokoro-js@1.2.1": "two machines, of which one has npm",
        "slotline model pull viettts": "a hub",
        "pip install 'slotline[viettts,onnx]'": "2 GB; make test-all installs the same",
        "slotline model pull bart-large-cnn": "a hub, and 1.6 GB",
    },
    "docs/slots.md": {"$ slotline up --model viettts &": "a GPU, and weights of a hub"},
}
"""A page -> the first line of each of its blocks with commands or Python that no test can run -> why."""


def blocks_not_run(page: str) -> frozenset[str]:
    """The first lines of the blocks of a page that no test runs."""
    return frozenset(BLOCKS_NOT_RUN.get(page, {}))
