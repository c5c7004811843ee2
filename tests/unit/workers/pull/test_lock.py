"""One process pulls a name at a time; a dead one holds nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from workers.pull import lock

HOLDER = """
import sys, time
from pathlib import Path
from workers.pull import lock
with lock.held(Path(sys.argv[1]), print):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_one_says_who_holds_it_and_gets_it_when_that_process_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "models" / "tiny.lock"
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        said: list[str] = []

        def waits(pid: str) -> None:
            said.append(pid)
            os.kill(holder.pid, signal.SIGKILL)

        with lock.held(path, waits):
            assert said == [str(holder.pid)]
            assert path.read_text() == f"{os.getpid()}\n"
    finally:
        holder.kill()
        holder.communicate()


def test_threads_take_turns(tmp_path: Path) -> None:
    inside, most = 0, 0

    def work() -> None:
        nonlocal inside, most
        with lock.held(tmp_path / "lock", lambda pid: None):
            inside += 1
            most = max(most, inside)
            inside -= 1

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
