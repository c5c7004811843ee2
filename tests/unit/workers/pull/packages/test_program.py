"""A registry's program is watched, and never outlives slotline."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.waiting import wait_for
from workers.pull.packages import program

WRITES = """
import sys, time
from pathlib import Path
for size in (10, 1000):
    Path(sys.argv[1], "part").write_bytes(b"x" * size)
    time.sleep(0.3)
print("ERROR: it is over", file=sys.stderr)
sys.exit(3)
"""

STARTS = """
import os, sys
from pathlib import Path
from workers.pull.packages import program
child = "import os, sys, time; open(sys.argv[1] + '/pid', 'w').write(str(os.getpid())); time.sleep(1000)"
program.run([sys.executable, "-c", child, sys.argv[1]], os.environ, Path(sys.argv[1]), 60)
"""


def test_its_growth_its_words_and_its_status_are_told(tmp_path: Path) -> None:
    sizes: list[int] = []
    ended = program.run([sys.executable, "-c", WRITES, str(tmp_path)], os.environ, tmp_path, 30, sizes.append)
    assert ended.status == 3
    assert program.last_line(ended.errors) == "it is over"
    assert sizes == sorted(sizes)
    assert sizes[-1] >= 1000


def test_a_silent_one_is_ended(tmp_path: Path) -> None:
    ended = program.run([sys.executable, "-c", "import time; time.sleep(60)"], os.environ, tmp_path, 0.2)
    assert ended.is_silent
    assert ended.status == -signal.SIGTERM


def test_one_that_is_not_there_raises(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        program.run(["slotline-no-such-program"], os.environ, tmp_path, 1)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux ends a process with its parent")
def test_it_ends_when_slotline_is_killed(tmp_path: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", STARTS, str(tmp_path)])
    try:
        pid = int(wait_for(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text()))
    finally:
        parent.kill()
        parent.wait()
    try:
        wait_for(lambda: has_ended(pid))
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def has_ended(pid: int) -> bool:
    """Whether there is no such process, or it only waits for its parent to take its status."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_a_program_without_words_gives_no_reason() -> None:
    assert program.last_line(" \n") == "no reason was given"
