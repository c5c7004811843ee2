"""A process is called dead only if it certainly is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from workers.living import identity, is_dead


def of_another() -> tuple[subprocess.Popen[str], dict[str, Any]]:
    """A process that lives until its input ends, and its identity."""
    program = "import json; from workers.living import identity; print(json.dumps(identity()), flush=True); input()"
    command = [sys.executable, "-c", program]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, json.loads(process.stdout.readline())


def test_this_process_lives_and_one_that_ended_is_dead_before_and_after_it_is_reaped() -> None:
    assert not is_dead(identity())
    process, other = of_another()
    with process:
        assert other["pid"] == process.pid
        assert not is_dead(other)
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert is_dead(other), "nobody has reaped it"
        process.wait()
        assert is_dead(other)


def test_a_pid_that_belongs_to_another_process_by_now_is_a_dead_one() -> None:
    assert is_dead({**identity(), "born": 1})


def test_what_cannot_be_known_is_not_dead() -> None:
    gone = {**identity(), "born": 1}
    assert not is_dead({**gone, "namespace": "pid:[1]"})
    assert not is_dead({**gone, "namespace": ""})
    assert not is_dead({**gone, "born": None})
    assert not is_dead({"pid": 1}), "an older version wrote it"
